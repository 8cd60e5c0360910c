//! From a parsed expression to steps: names are found, types are checked, equal parts are computed once.

use std::collections::BTreeMap;
use std::ops::Range;

use super::problem::{KeyProblem, RuleErrors, RuleProblem};
use super::program::{BARS_HELD, ENTRY, FIRST_FREE, GAIN, Kind, Op, Part, Program, REGISTERS, Step};
use super::syntax::{Node, What, parse};
use super::{MOST_AGO, MOST_AGO_CONDITION, Rules};
use crate::domain::{BarColumns, NoColumn};

/// Functions and what they are given.
const FUNCTIONS: [(&str, usize); 7] =
    [("abs", 1), ("min", 2), ("max", 2), ("cross_above", 2), ("cross_below", 2), ("prev", 1), ("if", 3)];
const POSITION: [(&str, u8); 3] = [("entry", ENTRY), ("bars_held", BARS_HELD), ("gain", GAIN)];

/// What an expression may read of the position.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sees {
    Nothing,
    /// The price of the entry.
    Entry,
    Everything,
}

/// A register that is filled: what kind of value, and whether it depends on the position.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Value {
    register: u8,
    kind: Kind,
    position: bool,
}

type Key = (Op, u8, u8, u8);

struct Compiler<'a, C> {
    columns: &'a mut C,
    /// Registers that are free: columns take the first one, everything else the last.
    free: Range<usize>,
    inputs: Vec<(u8, usize)>,
    constants: Vec<(u8, Kind, f64)>,
    rings: Vec<usize>,
    each_bar: Vec<Step>,
    known: BTreeMap<Key, u8>,
    /// Steps of the expression that is being compiled.
    part: Vec<Step>,
    known_in_part: BTreeMap<Key, u8>,
    sees: Sees,
    problems: Vec<RuleProblem>,
}

/// Compiles all expressions of a strategy; `columns` opens what they read.
pub(super) fn compile<C: BarColumns>(rules: &Rules, columns: &mut C) -> Result<Program, RuleErrors> {
    let mut compiler = Compiler {
        columns,
        free: FIRST_FREE..REGISTERS,
        inputs: Vec::new(),
        constants: Vec::new(),
        rings: Vec::new(),
        each_bar: Vec::new(),
        known: BTreeMap::new(),
        part: Vec::new(),
        known_in_part: BTreeMap::new(),
        sees: Sees::Nothing,
        problems: Vec::new(),
    };
    let mut problems = Vec::new();
    let mut tails: Vec<Vec<Step>> = Vec::new();
    let mut compiled = |key: &'static str, text: Option<&String>, kind: Kind, sees: Sees| {
        let text = text?;
        let part = compiler.expression(text, kind, sees);
        let of_key = |problem| KeyProblem { key, expression: text.clone(), problem };
        problems.extend(compiler.problems.drain(..).map(of_key));
        tails.push(std::mem::take(&mut compiler.part));
        part.map(|value| (tails.len() - 1, value))
    };
    let entry = compiled("entry", Some(&rules.entry), Kind::Truth, Sees::Nothing);
    let exit = compiled("exit", rules.exit.as_ref(), Kind::Truth, Sees::Everything);
    let stop = compiled("stop", rules.stop.as_ref(), Kind::Number, Sees::Entry);
    let target = compiled("target", rules.target.as_ref(), Kind::Number, Sees::Entry);
    let (Some(entry), true) = (entry, problems.is_empty()) else { return Err(RuleErrors(problems)) };
    let mut steps = std::mem::take(&mut compiler.each_bar);
    let each_bar = 0..steps.len();
    let ranges: Vec<Range<usize>> = tails
        .into_iter()
        .map(|tail| {
            let from = steps.len();
            steps.extend(tail);
            from..steps.len()
        })
        .collect();
    let part = |(tail, value): (usize, Value)| Part {
        steps: ranges.get(tail).cloned().unwrap_or_default(),
        result: value.register,
        position: value.position,
    };
    let in_place =
        |(at, (register, column)): (usize, &(u8, usize))| *column == at && usize::from(*register) == FIRST_FREE + at;
    Ok(Program {
        in_order: compiler.inputs.iter().enumerate().all(in_place),
        inputs: compiler.inputs,
        constants: compiler.constants,
        each_bar,
        entry: part(entry),
        exit: exit.map(part),
        stop: stop.map(part),
        target: target.map(part),
        rings: compiler.rings,
        steps,
    })
}

impl<C: BarColumns> Compiler<'_, C> {
    fn expression(&mut self, text: &str, kind: Kind, sees: Sees) -> Option<Value> {
        self.sees = sees;
        self.known_in_part.clear();
        let node = parse(text).map_err(|problem| self.problems.push(problem)).ok()?;
        self.typed(&node, kind, false)
    }

    fn complain(&mut self, at: &Range<usize>, text: impl Into<String>) -> Option<Value> {
        self.problems.push(RuleProblem::new(at.clone(), text));
        None
    }

    /// The value of a node that must be of this kind. `each_bar`: it is looked back on, so it is computed at every bar.
    fn typed(&mut self, node: &Node, kind: Kind, each_bar: bool) -> Option<Value> {
        let value = self.value(node, each_bar)?;
        match (value.kind == kind, kind) {
            (true, _) => Some(value),
            (false, Kind::Number) => self.complain(&node.at, "a number was expected; this is a condition"),
            (false, Kind::Truth) => {
                self.complain(&node.at, "a condition was expected; this is a number (compare it with something)")
            }
        }
    }

    fn both(&mut self, nodes: [&Node; 2], kind: Kind, each_bar: bool) -> Option<(Value, Value)> {
        let [left, right] = nodes.map(|node| self.typed(node, kind, each_bar));
        left.zip(right)
    }

    fn value(&mut self, node: &Node, each_bar: bool) -> Option<Value> {
        match &node.what {
            What::Number(x) => self.constant(&node.at, Kind::Number, *x),
            What::Truth(holds) => self.constant(&node.at, Kind::Truth, f64::from(u8::from(*holds))),
            What::Name(name) => self.name(&node.at, name),
            What::Prefix("!", of) => {
                let of = self.typed(of, Kind::Truth, each_bar)?;
                self.step(&node.at, Op::Not, [of], each_bar)
            }
            What::Prefix(_, of) => {
                let of = self.typed(of, Kind::Number, each_bar)?;
                self.step(&node.at, Op::Neg, [of], each_bar)
            }
            What::Infix(sign, sides) => {
                let [left, right] = sides.as_ref();
                self.infix(&node.at, sign, [left, right], each_bar)
            }
            What::Call(name, at, given) => self.call(&node.at, name, at, given, each_bar),
            What::Ago(of, bars) => self.ago(&node.at, of, *bars, each_bar),
        }
    }

    fn infix(&mut self, at: &Range<usize>, sign: &str, sides: [&Node; 2], each_bar: bool) -> Option<Value> {
        let kind = if ["&&", "||"].contains(&sign) { Kind::Truth } else { Kind::Number };
        let (left, right) = self.both(sides, kind, each_bar)?;
        let (op, sides) = match sign {
            "||" => (Op::Or, [left, right]),
            "&&" => (Op::And, [left, right]),
            "<" => (Op::Above, [right, left]),
            ">" => (Op::Above, [left, right]),
            "<=" => (Op::Reaches, [right, left]),
            ">=" => (Op::Reaches, [left, right]),
            "+" => (Op::Add, [left, right]),
            "-" => (Op::Sub, [left, right]),
            "*" => (Op::Mul, [left, right]),
            "/" => (Op::Div, [left, right]),
            _ => (Op::Equal, [left, right]),
        };
        let value = self.step(at, op, sides, each_bar)?;
        if sign == "!=" { self.step(at, Op::Not, [value], each_bar) } else { Some(value) }
    }

    fn name(&mut self, at: &Range<usize>, name: &str) -> Option<Value> {
        if let Some((_, register)) = POSITION.iter().find(|(known, _)| *known == name) {
            return match (self.sees, *register) {
                (Sees::Everything, _) | (Sees::Entry, ENTRY) => {
                    Some(Value { register: *register, kind: Kind::Number, position: true })
                }
                (Sees::Entry, _) => self.complain(at, "known only while the position is held; use it in exit"),
                (Sees::Nothing, _) => self.complain(at, "there is no position before the entry; use it in exit"),
            };
        }
        match self.columns.open(name) {
            Ok(column) => {
                let opened = self.inputs.iter().find(|(_, known)| *known == column).map(|(register, _)| *register);
                let register = match opened {
                    Some(register) => register,
                    None => {
                        let register = self.input_register(at)?;
                        self.inputs.push((register, column));
                        register
                    }
                };
                Some(Value { register, kind: Kind::Number, position: false })
            }
            Err(NoColumn::Refused(text)) => self.complain(at, text),
            Err(NoColumn::Unknown) => {
                if FUNCTIONS.iter().any(|(function, _)| *function == name) {
                    return self.complain(at, format!("'{name}' is a function; write {name}(…)"));
                }
                let position =
                    POSITION.iter().filter(|_| self.sees != Sees::Nothing).map(|(name, _)| (*name).to_owned());
                let names = position.chain(self.columns.names_near(name));
                self.problems.push(RuleProblem::unknown(at.clone(), name, names));
                None
            }
        }
    }

    fn call(
        &mut self,
        at: &Range<usize>,
        name: &str,
        name_at: &Range<usize>,
        given: &[Node],
        each_bar: bool,
    ) -> Option<Value> {
        let Some((_, takes)) = FUNCTIONS.iter().find(|(function, _)| *function == name) else {
            let names = FUNCTIONS.iter().map(|(function, _)| (*function).to_owned());
            self.problems.push(RuleProblem {
                text: "unknown function".to_owned(),
                ..RuleProblem::unknown(name_at.clone(), name, names)
            });
            return None;
        };
        match (name, given) {
            ("abs", [x]) => {
                let x = self.typed(x, Kind::Number, each_bar)?;
                self.step(at, Op::Abs, [x], each_bar)
            }
            ("min", [x, y]) => {
                let (x, y) = self.both([x, y], Kind::Number, each_bar)?;
                self.step(at, Op::Min, [x, y], each_bar)
            }
            ("max", [x, y]) => {
                let (x, y) = self.both([x, y], Kind::Number, each_bar)?;
                self.step(at, Op::Max, [x, y], each_bar)
            }
            ("cross_above", [x, y]) => self.cross(at, [x, y]),
            ("cross_below", [x, y]) => self.cross(at, [y, x]),
            ("prev", [x]) => self.ago(at, x, 1, each_bar),
            ("if", [condition, then, otherwise]) => {
                let condition = self.typed(condition, Kind::Truth, each_bar);
                let then = self.value(then, each_bar)?;
                let otherwise = self.typed(otherwise, then.kind, each_bar)?;
                let op = if then.kind == Kind::Number { Op::Choose } else { Op::ChooseTruth };
                self.step(at, op, [condition?, then, otherwise], each_bar)
            }
            _ => {
                let values = if *takes == 1 { "value" } else { "values" };
                self.complain(at, format!("{name} takes {takes} {values}; {} given", given.len()))
            }
        }
    }

    /// Above now, and not above at the bar before: both known.
    fn cross(&mut self, at: &Range<usize>, sides: [&Node; 2]) -> Option<Value> {
        let (over, under) = self.both(sides, Kind::Number, true)?;
        if over.position || under.position {
            return self.complain(at, NO_PAST);
        }
        let (a, b) = (over.register, under.register);
        let same = |step: &&Step| (step.op, step.a, step.b) == (Op::Cross, a, b);
        if let Some(step) = self.each_bar.iter().find(same) {
            return Some(Value { register: step.to, kind: Kind::Truth, position: false });
        }
        let (before, to) = (self.register(at)?, self.register(at)?);
        self.each_bar.push(Step { op: Op::Cross, to, a, b, c: before });
        Some(Value { register: to, kind: Kind::Truth, position: false })
    }

    fn ago(&mut self, at: &Range<usize>, of: &Node, bars: usize, each_bar: bool) -> Option<Value> {
        if bars == 0 {
            return self.value(of, each_bar);
        }
        let value = self.value(of, true)?;
        let most = if value.kind == Kind::Number { MOST_AGO } else { MOST_AGO_CONDITION };
        if bars > most {
            return self.complain(at, format!("at most {most} bars back"));
        }
        self.look_back(at, value, bars)
    }

    fn look_back(&mut self, at: &Range<usize>, of: Value, bars: usize) -> Option<Value> {
        if of.position {
            return self.complain(at, NO_PAST);
        }
        let op = if of.kind == Kind::Number { Op::Ago } else { Op::AgoTruth };
        let same =
            |step: &&Step| (step.op, step.a) == (op, of.register) && self.rings.get(usize::from(step.c)) == Some(&bars);
        if let Some(step) = self.each_bar.iter().find(same) {
            return Some(Value { register: step.to, ..of });
        }
        let to = self.register(at)?;
        let Ok(ring) = u8::try_from(self.rings.len()) else { return self.complain(at, TOO_MUCH) };
        self.rings.push(bars);
        self.each_bar.push(Step { op, to, a: of.register, b: of.register, c: ring });
        Some(Value { register: to, ..of })
    }

    fn step<const N: usize>(&mut self, at: &Range<usize>, op: Op, of: [Value; N], each_bar: bool) -> Option<Value> {
        let position = of.iter().any(|value| value.position);
        if position && each_bar {
            return self.complain(at, NO_PAST);
        }
        let mut registers = of.iter().map(|value| value.register);
        let a = registers.next().unwrap_or_default();
        let (b, c) = (registers.next().unwrap_or(a), registers.next().unwrap_or(a));
        let (key, kind) = ((op, a, b, c), op.kind());
        let known = self.known.get(&key).or_else(|| self.known_in_part.get(&key).filter(|_| !each_bar));
        if let Some(register) = known {
            return Some(Value { register: *register, kind, position });
        }
        let to = self.register(at)?;
        let (steps, known) = match each_bar {
            true => (&mut self.each_bar, &mut self.known),
            false => (&mut self.part, &mut self.known_in_part),
        };
        steps.push(Step { op, to, a, b, c });
        known.insert(key, to);
        Some(Value { register: to, kind, position })
    }

    fn constant(&mut self, at: &Range<usize>, kind: Kind, value: f64) -> Option<Value> {
        let same = |(_, k, v): &&(u8, Kind, f64)| (*k, v.to_bits()) == (kind, value.to_bits());
        let known = self.constants.iter().find(same).map(|(register, ..)| *register);
        let register = match known {
            Some(register) => register,
            None => {
                let register = self.register(at)?;
                self.constants.push((register, kind, value));
                register
            }
        };
        Some(Value { register, kind, position: false })
    }

    fn register(&mut self, at: &Range<usize>) -> Option<u8> {
        let register = self.free.next_back();
        self.checked(at, register)
    }

    fn input_register(&mut self, at: &Range<usize>) -> Option<u8> {
        let register = self.free.next();
        self.checked(at, register)
    }

    fn checked(&mut self, at: &Range<usize>, register: Option<usize>) -> Option<u8> {
        if register.is_none() {
            self.complain(at, TOO_MUCH);
        }
        register.and_then(|register| u8::try_from(register).ok())
    }
}

const NO_PAST: &str = "the position has no past; look back on columns";
const TOO_MUCH: &str = "the strategy computes more than 253 values; make it simpler";
