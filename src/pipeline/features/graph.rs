//! The graph of a feature set: which values are computed from which, each once, in an order in which inputs come first.

use std::collections::BTreeMap;

use super::bank::{Bank, MOST_INPUTS};
use super::file::Entry;
use super::hint::hint;
use super::hour::FIELDS;
use super::keys::Args;
use super::registry::{self, Gather, KernelSpec, Make, Map};

/// Most values in one graph.
const MOST_SLOTS: usize = 60_000;

/// An expression that is longer, written out, is a mistake.
const LONGEST_FORMULA: usize = 20_000;

/// What computes one or more values.
#[derive(Debug)]
pub(super) enum Op {
    Map(Map),
    /// The kernel of this number.
    Stream(usize),
}

/// One step of an update.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) op: Op,
    inputs: [u16; MOST_INPUTS],
    count: u8,
    pub(super) out: usize,
}

impl Node {
    pub(super) fn inputs(&self) -> &[u16] {
        self.inputs.get(..usize::from(self.count)).unwrap_or_default()
    }
}

/// A look at one slot of all pairs; each pair gets what it saw.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) gather: Gather,
    pub(super) input: usize,
    pub(super) out: usize,
}

/// What can be computed once the passes before are done for all pairs: first the looks at all of them, then each pair's own nodes.
#[derive(Debug, Default)]
pub(super) struct Pass {
    pub(super) looks: Vec<Look>,
    /// In an order in which inputs come first.
    pub(super) nodes: Vec<Node>,
}

/// One value: a slot of every pair.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    /// Written out to the last input.
    pub(super) formula: String,
    /// Bars until the first value, the bar itself included.
    pub(super) filled: usize,
    /// Bars until it no longer matters where history began; `None` when it always does.
    pub(super) settled: Option<usize>,
    /// 0 when it needs the pair's own hour alone; each look at all pairs adds 1.
    pub(super) pass: usize,
}

/// A kernel with its keys, ready to be made for all pairs.
#[derive(Debug)]
pub(super) struct Plan {
    spec: &'static KernelSpec,
    args: Args,
}

impl Plan {
    pub(super) fn make(&self, pairs: usize) -> Option<Box<dyn Bank>> {
        match self.spec.make {
            Make::Stream(make) => Some(make(&self.args, pairs)),
            Make::Map(_) | Make::Gather(_) => None,
        }
    }
}

/// Everything that is computed for one pair at one instant.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) passes: Vec<Pass>,
    pub(super) slots: Vec<Slot>,
    pub(super) streams: Vec<Plan>,
}

/// Grows a graph; equal expressions become one node.
#[derive(Debug)]
pub(super) struct Builder {
    graph: Graph,
    /// First slot of a node by its formula.
    known: BTreeMap<String, usize>,
}

impl Builder {
    pub(super) fn new() -> Self {
        let field = |name: &&str| Slot { formula: (*name).to_owned(), filled: 1, settled: Some(1), pass: 0 };
        let slots = FIELDS.iter().map(field).collect();
        Self { graph: Graph { passes: Vec::new(), slots, streams: Vec::new() }, known: BTreeMap::new() }
    }

    /// Slot of a column of the hour.
    ///
    /// # Errors
    /// When there is no such column.
    pub(super) fn field(&self, name: &str) -> Result<usize, String> {
        FIELDS.iter().position(|f| *f == name).ok_or_else(|| format!("there is no column '{name}'"))
    }

    pub(super) fn slot(&self, slot: usize) -> Option<&Slot> {
        self.graph.slots.get(slot)
    }

    /// Slot of the first line of a kernel over these inputs.
    ///
    /// # Errors
    /// When there is no such kernel, or the graph is full.
    pub(super) fn kernel(&mut self, name: &str, args: Args, inputs: &[usize]) -> Result<usize, String> {
        let spec = registry::find(name).ok_or_else(|| format!("there is no kernel '{name}'"))?;
        self.node(spec, args, inputs)
    }

    fn node(&mut self, spec: &'static KernelSpec, args: Args, inputs: &[usize]) -> Result<usize, String> {
        let of: Vec<&Slot> = inputs.iter().filter_map(|slot| self.graph.slots.get(*slot)).collect();
        if of.len() != spec.inputs.len() || of.len() > MOST_INPUTS {
            return Err(format!("kernel '{}' needs {} inputs, {} given", spec.name, spec.inputs.len(), of.len()));
        }
        let names: Vec<&str> = of.iter().map(|slot| slot.formula.as_str()).collect();
        let numbers = args.numbers_in_words();
        let semicolon = if numbers.is_empty() { "" } else { "; " };
        let formula = format!("{}({}{semicolon}{numbers})", spec.name, names.join(", "));
        if let Some(first) = self.known.get(&formula) {
            return Ok(*first);
        }
        if formula.len() > LONGEST_FORMULA {
            return Err(format!(
                "written out to its inputs it has more than {LONGEST_FORMULA} letters; make it simpler"
            ));
        }
        let filled = of.iter().map(|slot| slot.filled).max().unwrap_or(1);
        let settled = of.iter().map(|slot| slot.settled).try_fold(1, |most, slot| slot.map(|n| most.max(n)));
        // A level that drops out of the result takes its dependence on the beginning with it.
        let settled = if spec.level_free { Some(settled.unwrap_or(filled)) } else { settled };
        let looks_around = usize::from(matches!(spec.make, Make::Gather(_)));
        let pass = of.iter().map(|slot| slot.pass).max().unwrap_or(0) + looks_around;
        let first = self.graph.slots.len();
        if first + spec.lines.len() > MOST_SLOTS {
            return Err(format!("the set computes more than {MOST_SLOTS} values"));
        }
        for (place, line) in spec.lines.iter().enumerate() {
            let lookback = (spec.lookback)(&args, place);
            self.graph.slots.push(Slot {
                formula: if spec.lines.len() > 1 { format!("{formula}.{line}") } else { formula.clone() },
                filled: filled + lookback.filled,
                settled: settled.zip(lookback.settled).map(|(inputs, own)| inputs + own),
                pass,
            });
        }
        let mut slots = [0; MOST_INPUTS];
        for (place, slot) in slots.iter_mut().zip(inputs) {
            *place = u16::try_from(*slot).map_err(|e| e.to_string())?;
        }
        let node = |op| Node { op, inputs: slots, count: inputs.len() as u8, out: first };
        while self.graph.passes.len() <= pass {
            self.graph.passes.push(Pass::default());
        }
        if let Some(pass) = self.graph.passes.get_mut(pass) {
            match spec.make {
                Make::Map(make) => pass.nodes.push(node(Op::Map(make(&args)))),
                Make::Gather(make) => {
                    let input = inputs.first().copied().unwrap_or_default();
                    pass.looks.push(Look { gather: make(&args), input, out: first });
                }
                Make::Stream(_) => {
                    pass.nodes.push(node(Op::Stream(self.graph.streams.len())));
                    self.graph.streams.push(Plan { spec, args });
                }
            }
        }
        self.known.insert(formula, first);
        Ok(first)
    }

    pub(super) fn finish(self) -> Graph {
        self.graph
    }
}

/// Finds what names mean, entry by entry.
pub(super) struct Resolver<'a> {
    entries: BTreeMap<&'a str, &'a Entry>,
    done: BTreeMap<&'a str, usize>,
    /// Names whose entries are being resolved: meeting one again is a cycle.
    open: Vec<&'a str>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(entries: impl Iterator<Item = &'a Entry>) -> Self {
        let entries = entries.map(|entry| (entry.name.as_str(), entry)).collect();
        Self { entries, done: BTreeMap::new(), open: Vec::new() }
    }

    /// The slot of a column, node or feature.
    ///
    /// # Errors
    /// A name that is not known, a cycle, or what an entry on the way cannot be.
    pub(super) fn slot(&mut self, builder: &mut Builder, name: &str) -> Result<usize, String> {
        if let Ok(field) = builder.field(name) {
            return Ok(field);
        }
        let Some((name, entry)) = self.entries.get_key_value(name).map(|(name, entry)| (*name, *entry)) else {
            let names = || self.entries.keys().copied().chain(FIELDS.iter().copied());
            return Err(format!(
                "'{name}' is no input column ({}), no node and no feature{}",
                FIELDS.join(", "),
                hint(name, names())
            ));
        };
        if let Some(slot) = self.done.get(name) {
            return Ok(*slot);
        }
        if let Some(start) = self.open.iter().position(|open| *open == name) {
            let circle: Vec<&str> = self.open.iter().skip(start).copied().chain([name]).collect();
            return Err(format!("it goes round in a circle: {}", circle.join(" → ")));
        }
        self.open.push(name);
        let slot = self.entry(builder, entry);
        self.open.pop();
        let slot = slot?;
        self.done.insert(name, slot);
        Ok(slot)
    }

    fn entry(&mut self, builder: &mut Builder, entry: &'a Entry) -> Result<usize, String> {
        let inputs: Vec<usize> = self.slots(builder, entry.inputs.iter().map(String::as_str))?;
        let value = match entry.kernel {
            Some(spec) => builder.node(spec, entry.args.clone(), &inputs)? + entry.line,
            None => *inputs.first().ok_or("it has no input")?,
        };
        match &entry.transform {
            None => Ok(value),
            Some((transform, args)) => {
                let series = self.slots(builder, args.series())?;
                (transform.apply)(builder, value, &series, args)
            }
        }
    }

    fn slots<'n>(&mut self, builder: &mut Builder, names: impl Iterator<Item = &'n str>) -> Result<Vec<usize>, String> {
        names.map(|name| self.slot(builder, name)).collect()
    }
}
