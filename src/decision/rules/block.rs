//! A program evaluated over many bars at once, for sweeps: numbers as columns, conditions as two bits per bar, "holds" and "does not".
//!
//! Each operation is the one of a single bar, so every value has the same bits as there.

use pulp::Arch;

use super::program::{
    Kind, Op, Part, Program, REGISTERS, Registers, Step, above, equal, finite, least, most, put, reaches,
};

/// Bars of a block; a multiple of 64, and more than any look back.
pub(super) const BLOCK: usize = 4096;
const WORD: usize = 64;
const WORDS: usize = BLOCK / WORD;

/// Bit 0, bit 1, … as numbers: a word of answers is then a sum without shifts.
const BITS: [u64; WORD] = {
    let mut bits = [0; WORD];
    let mut at = 0;
    #[expect(clippy::indexing_slicing, reason = "computed while compiling")]
    while at < WORD {
        bits[at] = 1 << at;
        at += 1;
    }
    bits
};

/// A condition at every bar of a block; unknown where neither bit is set.
#[derive(Debug, Clone, Default)]
pub(super) struct Truths {
    yes: Vec<u64>,
    no: Vec<u64>,
}

impl Truths {
    fn new() -> Self {
        Self { yes: vec![0; WORDS], no: vec![0; WORDS] }
    }

    fn of(value: f64) -> Self {
        let all = |is: bool| vec![if is { u64::MAX } else { 0 }; WORDS];
        Self { yes: all(value == 1.0), no: all(value == 0.0) }
    }

    fn at(&self, row: usize) -> f64 {
        let bit = |words: &[u64]| words.get(row / WORD).is_some_and(|word| (word >> (row % WORD)) & 1 == 1);
        if bit(&self.yes) {
            1.0
        } else if bit(&self.no) {
            0.0
        } else {
            f64::NAN
        }
    }

    /// The first bar from `row` on, before `rows`, at which it holds.
    pub fn next(&self, row: usize, rows: usize) -> Option<usize> {
        let mut number = row / WORD;
        let mut word = self.yes.get(number)? & (u64::MAX << (row % WORD));
        while word == 0 {
            number += 1;
            word = *self.yes.get(number)?;
        }
        let found = number * WORD + word.trailing_zeros() as usize;
        (found < rows).then_some(found)
    }
}

/// What a ring of a single bar would hold after the block before.
#[derive(Debug, Clone)]
enum Past {
    Numbers(Vec<f64>),
    Truths { yes: u64, no: u64, bars: usize },
}

/// A program's values at the bars of one block.
pub(super) struct Block {
    /// By register; empty for columns and conditions.
    numbers: Vec<Vec<f64>>,
    /// By register; empty for numbers.
    truths: Vec<Truths>,
    /// By register: the number of the column, where it is one.
    columns: Vec<Option<usize>>,
    /// By register.
    kinds: Vec<Kind>,
    pasts: Vec<Past>,
}

impl Block {
    pub fn new(program: &Program) -> Self {
        let mut block = Self {
            numbers: vec![Vec::new(); REGISTERS],
            truths: vec![Truths::default(); REGISTERS],
            columns: vec![None; REGISTERS],
            kinds: vec![Kind::Number; REGISTERS],
            pasts: program.rings.iter().map(|bars| Past::Numbers(vec![f64::NAN; *bars])).collect(),
        };
        for (register, column) in &program.inputs {
            set(&mut block.columns, *register, Some(*column));
        }
        for (register, kind, value) in &program.constants {
            set(&mut block.kinds, *register, *kind);
            match kind {
                Kind::Number => set(&mut block.numbers, *register, vec![*value; BLOCK]),
                Kind::Truth => set(&mut block.truths, *register, Truths::of(*value)),
            }
        }
        for step in &program.steps {
            set(&mut block.kinds, step.to, step.op.kind());
            match step.op.kind() {
                Kind::Number => set(&mut block.numbers, step.to, vec![f64::NAN; BLOCK]),
                Kind::Truth => set(&mut block.truths, step.to, Truths::new()),
            }
            if step.op == Op::Cross {
                set(&mut block.truths, step.c, Truths::new());
            }
            if step.op == Op::AgoTruth
                && let Some(past) = block.pasts.get_mut(usize::from(step.c))
                && let Some(bars) = program.rings.get(usize::from(step.c))
            {
                *past = Past::Truths { yes: 0, no: 0, bars: *bars };
            }
        }
        block
    }

    /// Evaluates what does not read the position: the steps of every bar, the entry, and the exit.
    pub fn run(&mut self, program: &Program, columns: &[Vec<f64>], rows: usize) {
        let parts = [Some(&program.entry), program.exit.as_ref()];
        let steps =
            parts.into_iter().flatten().filter(|part| !part.position).flat_map(|part| program.steps(&part.steps));
        let steps = program.steps(&program.each_bar).iter().chain(steps);
        Arch::new().dispatch(|| {
            for step in steps {
                match step.op.kind() {
                    Kind::Number => self.number_step(step, columns, rows),
                    Kind::Truth => self.truth_step(step, columns, rows),
                }
            }
        });
    }

    /// The condition that a part comes to.
    pub fn truths(&self, part: &Part) -> Option<&Truths> {
        self.truths.get(usize::from(part.result))
    }

    /// Puts what a single bar would know into the registers: columns, and what is computed at every bar.
    pub fn gather(&self, program: &Program, columns: &[Vec<f64>], row: usize, registers: &mut Registers) {
        let computed = program.steps(&program.each_bar).iter().map(|step| step.to);
        for register in program.inputs.iter().map(|(register, _)| *register).chain(computed) {
            let value = match self.kinds.get(usize::from(register)) {
                Some(Kind::Truth) => self.truths.get(usize::from(register)).map(|truths| truths.at(row)),
                _ => self.column(register, columns).get(row).copied(),
            };
            put(registers, register, value.unwrap_or(f64::NAN));
        }
    }

    #[inline(always)]
    fn column<'a>(&'a self, register: u8, columns: &'a [Vec<f64>]) -> &'a [f64] {
        match self.columns.get(usize::from(register)) {
            Some(Some(column)) => columns.get(*column).map_or(&[], Vec::as_slice),
            _ => self.numbers.get(usize::from(register)).map_or(&[], Vec::as_slice),
        }
    }

    /// Both numbers that a step compares, at the bars of the block.
    #[inline(always)]
    fn sides<'a>(&'a self, step: &Step, columns: &'a [Vec<f64>], rows: usize) -> (&'a [f64], &'a [f64]) {
        let cut = |column: &'a [f64]| column.get(..rows).unwrap_or(column);
        (cut(self.column(step.a, columns)), cut(self.column(step.b, columns)))
    }

    #[inline(always)]
    fn number_step(&mut self, step: &Step, columns: &[Vec<f64>], rows: usize) {
        let mut to = self.numbers.get_mut(usize::from(step.to)).map(std::mem::take).unwrap_or_default();
        let a = self.column(step.a, columns);
        let b = self.column(step.b, columns);
        match step.op {
            Op::Add => each(&mut to, a, b, |a, b| finite(a + b)),
            Op::Sub => each(&mut to, a, b, |a, b| finite(a - b)),
            Op::Mul => each(&mut to, a, b, |a, b| finite(a * b)),
            Op::Div => each(&mut to, a, b, |a, b| finite(a / b)),
            Op::Neg => each(&mut to, a, a, |a, _| -a),
            Op::Abs => each(&mut to, a, a, |a, _| a.abs()),
            Op::Min => each(&mut to, a, b, least),
            Op::Max => each(&mut to, a, b, most),
            Op::Choose => {
                let c = self.column(step.c, columns);
                if let Some(condition) = self.truths.get(usize::from(step.a)) {
                    for (row, ((to, then), otherwise)) in to.iter_mut().zip(b).zip(c).take(rows).enumerate() {
                        let holds = condition.at(row);
                        *to = if holds == 1.0 {
                            *then
                        } else if holds == 0.0 {
                            *otherwise
                        } else {
                            f64::NAN
                        };
                    }
                }
            }
            _ => {
                let a = a.get(..rows).unwrap_or(a);
                if let Some(Past::Numbers(past)) = self.pasts.get(usize::from(step.c)) {
                    for (to, value) in to.iter_mut().zip(past.iter().chain(a)) {
                        *to = *value;
                    }
                }
                let newest = a.len().saturating_sub(self.past_length(step));
                let newest: Vec<f64> = a.get(newest..).unwrap_or_default().to_vec();
                if let Some(Past::Numbers(past)) = self.pasts.get_mut(usize::from(step.c)) {
                    past.drain(..newest.len());
                    past.extend(newest);
                }
            }
        }
        set(&mut self.numbers, step.to, to);
    }

    fn past_length(&self, step: &Step) -> usize {
        match self.pasts.get(usize::from(step.c)) {
            Some(Past::Numbers(past)) => past.len(),
            _ => 0,
        }
    }

    #[inline(always)]
    fn truth_step(&mut self, step: &Step, columns: &[Vec<f64>], rows: usize) {
        let mut to = self.truths.get_mut(usize::from(step.to)).map(std::mem::take).unwrap_or_default();
        match step.op {
            Op::Above | Op::Reaches | Op::Equal => {
                let (a, b) = self.sides(step, columns, rows);
                match step.op {
                    Op::Above => ask(&mut to, a, b, above),
                    Op::Reaches => ask(&mut to, a, b, reaches),
                    _ => ask(&mut to, a, b, equal),
                }
            }
            Op::Cross => {
                let mut now = self.truths.get_mut(usize::from(step.c)).map(std::mem::take).unwrap_or_default();
                let last = |words: &[u64]| words.last().copied().unwrap_or_default();
                let before = (last(&now.yes), last(&now.no));
                let (a, b) = self.sides(step, columns, rows);
                ask(&mut now, a, b, above);
                cross(&now, before, &mut to);
                set(&mut self.truths, step.c, now);
            }
            Op::AgoTruth => self.look_back(step, &mut to),
            _ => {
                let at = |register: u8| self.truths.get(usize::from(register));
                if let (Some(a), Some(b), Some(c)) = (at(step.a), at(step.b), at(step.c)) {
                    connect(step.op, &mut to, [a, b, c]);
                }
            }
        }
        set(&mut self.truths, step.to, to);
    }

    fn look_back(&mut self, step: &Step, to: &mut Truths) {
        let Some(of) = self.truths.get(usize::from(step.a)) else { return };
        let Some(Past::Truths { yes, no, bars }) = self.pasts.get_mut(usize::from(step.c)) else { return };
        for (to, of, past) in [(&mut to.yes, &of.yes, yes), (&mut to.no, &of.no, no)] {
            for (to, word) in to.iter_mut().zip(of) {
                *to = (word << *bars) | (*past >> (WORD - *bars));
                *past = *word;
            }
        }
    }
}

fn set<T>(places: &mut [T], register: u8, value: T) {
    if let Some(place) = places.get_mut(usize::from(register)) {
        *place = value;
    }
}

#[inline(always)]
fn each(to: &mut [f64], a: &[f64], b: &[f64], op: impl Fn(f64, f64) -> f64) {
    for (to, (a, b)) in to.iter_mut().zip(a.iter().zip(b)) {
        *to = op(*a, *b);
    }
}

#[inline(always)]
fn ask(to: &mut Truths, a: &[f64], b: &[f64], op: impl Fn(f64, f64) -> (bool, bool)) {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<WORD>(), b.as_chunks::<WORD>());
    let mut words = to.yes.iter_mut().zip(&mut to.no);
    for (a, b) in a.iter().zip(b) {
        if let Some((yes, no)) = words.next() {
            (*yes, *no) = word(a, b, &op);
        }
    }
    if let Some((yes, no)) = words.next() {
        (*yes, *no) = word(a_rest, b_rest, &op);
    }
}

#[inline(always)]
fn word(a: &[f64], b: &[f64], op: impl Fn(f64, f64) -> (bool, bool)) -> (u64, u64) {
    let (mut yes, mut no) = (0, 0);
    for ((a, b), bit) in a.iter().zip(b).zip(&BITS) {
        let (holds, fails) = op(*a, *b);
        yes |= if holds { *bit } else { 0 };
        no |= if fails { *bit } else { 0 };
    }
    (yes, no)
}

/// `now`, and not at the bar before; `before` is the word before the block.
#[inline(always)]
fn cross(now: &Truths, before: (u64, u64), to: &mut Truths) {
    let (mut yes_before, mut no_before) = before;
    for ((yes, no), (now_yes, now_no)) in to.yes.iter_mut().zip(&mut to.no).zip(now.yes.iter().zip(&now.no)) {
        *yes = now_yes & ((now_no << 1) | (no_before >> (WORD - 1)));
        *no = now_no | (now_yes << 1) | (yes_before >> (WORD - 1));
        (yes_before, no_before) = (*now_yes, *now_no);
    }
}

fn connect(op: Op, to: &mut Truths, [a, b, c]: [&Truths; 3]) {
    let places = to.yes.iter_mut().zip(&mut to.no);
    let a = a.yes.iter().zip(&a.no);
    let b = b.yes.iter().zip(&b.no);
    let c = c.yes.iter().zip(&c.no);
    for ((yes, no), (((a, not_a), (b, not_b)), (c, not_c))) in places.zip(a.zip(b).zip(c)) {
        (*yes, *no) = match op {
            Op::And => (a & b, not_a | not_b),
            Op::Or => (a | b, not_a & not_b),
            Op::Not => (*not_a, *a),
            _ => ((a & b) | (not_a & c), (a & not_b) | (not_a & not_c)),
        };
    }
}
