//! Many indicators at once: sources that indicators share run once; series that are as long run side by side.

use super::catalog::{Indicator, Kernel, Source};
use super::lanes::Lanes;
use super::real::Real;
use super::row::Row;

/// A column of an output; NaN where there is no value.
pub type Column = Vec<f64>;

/// Series side by side in a batch.
const LANES: usize = 8;
/// Rows that go through a kernel before the next one has its turn: the rows of all lanes fit the nearest cache.
const BLOCK: usize = 64;
/// Rows of a chunk, a multiple of [`BLOCK`]: with usual indicators its columns fit the next cache.
const CHUNK: usize = 4 * BLOCK;

/// The columns of one series, all as long.
#[derive(Debug, Clone, Copy)]
pub struct Series<'a> {
    pub open: &'a [f64],
    pub high: &'a [f64],
    pub low: &'a [f64],
    pub close: &'a [f64],
    pub volume: &'a [f64],
}

impl Series<'_> {
    /// The number of rows: that of the shortest column.
    #[must_use]
    pub fn len(&self) -> usize {
        [self.open, self.high, self.low, self.close, self.volume].map(<[f64]>::len).into_iter().min().unwrap_or(0)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What is computed: the sources, and where each output of the indicators stands in their lines.
#[derive(Debug, Clone)]
pub struct Plan {
    sources: Vec<Source>,
    /// Of each output, in the order of the indicators: number of the source and line within it.
    outputs: Vec<(usize, usize)>,
}

impl Plan {
    #[must_use]
    pub fn new(indicators: &[Indicator]) -> Self {
        let mut plan = Self { sources: Vec::new(), outputs: Vec::new() };
        for indicator in indicators {
            let (source, lines) = indicator.source();
            let at = plan.sources.iter().position(|s| *s == source).unwrap_or_else(|| {
                plan.sources.push(source);
                plan.sources.len() - 1
            });
            plan.outputs.extend(lines.iter().map(|line| (at, *line)));
        }
        plan
    }

    /// How many outputs there are.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// Starts every source before the first row.
    #[must_use]
    pub fn start<T: Real>(&self) -> Started<T> {
        let mut first = 0;
        let kernels = self.sources.iter().map(|source| {
            let lines = first..first + source.lines();
            first = lines.end;
            (source.start(), lines)
        });
        let kernels: Vec<_> = kernels.collect();
        let place = |(source, line): &(usize, usize)| {
            kernels
                .get(*source)
                .map_or(0, |(_, lines): &(Box<dyn Kernel<T>>, std::ops::Range<usize>)| lines.start + line)
        };
        let places = self.outputs.iter().map(place).collect();
        Started { lines: vec![T::of(f64::NAN); first], kernels, places }
    }

    /// Computes every output of every series. `take` gets the results chunk by chunk: of all series of a group the first rows, then the next ones; then the
    /// next group. So no more than a chunk is ever held.
    pub fn run(&self, series: &[Series<'_>], mut take: impl FnMut(&Chunk<'_>)) {
        // Equally long series side by side, so that no lane runs empty.
        let mut order: Vec<usize> = (0..series.len()).collect();
        order.sort_by_key(|i| series.get(*i).map(Series::len));
        for group in order.chunks(LANES) {
            let members: Vec<(usize, Series<'_>)> = group.iter().filter_map(|i| Some((*i, *series.get(*i)?))).collect();
            match members.as_slice() {
                [only] => self.run_group::<f64, 1>(&[*only], &mut take),
                members => self.run_group::<Lanes<LANES>, LANES>(members, &mut take),
            }
        }
    }

    fn run_group<T: Side<N>, const N: usize>(
        &self,
        members: &[(usize, Series<'_>)],
        take: &mut impl FnMut(&Chunk<'_>),
    ) {
        let rows = members.iter().map(|(_, series)| series.len()).max().unwrap_or(0);
        let mut runs = self.runs::<T>();
        let most = self.sources.iter().map(Source::lines).max().unwrap_or(0);
        let mut table = vec![Row::<T>::of(0.0); BLOCK];
        let mut lines = vec![T::of(0.0); most * BLOCK];
        let mut values = vec![[[f64::NAN; CHUNK]; N]; self.outputs()];
        for chunk in (0..rows).step_by(CHUNK) {
            for block in (chunk..rows.min(chunk + CHUNK)).step_by(BLOCK) {
                fill(&mut table, members, block);
                for SourceRun { kernel, lines: count, outputs } in &mut runs {
                    let lines = lines.get_mut(..*count * BLOCK).unwrap_or_default();
                    kernel.run(&table, lines);
                    // At once, while its lines are in the nearest cache.
                    for (line, output) in outputs {
                        let line = lines.chunks_exact(BLOCK).nth(*line).unwrap_or_default();
                        if let Some(columns) = values.get_mut(*output) {
                            spread(line, block - chunk, columns);
                        }
                    }
                }
            }
            for (lane, (number, series)) in members.iter().enumerate() {
                let rows = series.len().saturating_sub(chunk).min(CHUNK);
                if rows > 0 {
                    take(&Chunk { series: *number, first: chunk, rows, lane, lanes: N, values: values.as_flattened() });
                }
            }
        }
    }

    fn runs<T: Real>(&self) -> Vec<SourceRun<T>> {
        let of = |number: usize| {
            let own = self.outputs.iter().enumerate().filter(move |(_, (source, _))| *source == number);
            own.map(|(output, (_, line))| (*line, output)).collect()
        };
        let run = |(number, source): (usize, &Source)| SourceRun {
            kernel: source.start(),
            lines: source.lines(),
            outputs: of(number),
        };
        self.sources.iter().enumerate().map(run).collect()
    }
}

/// A started source of a batch.
struct SourceRun<T> {
    kernel: Box<dyn Kernel<T>>,
    lines: usize,
    /// Which of its lines is which output.
    outputs: Vec<(usize, usize)>,
}

/// From a line of a block to the columns of a chunk, one for each lane, from row `from` on.
fn spread<T: Side<N>, const N: usize>(line: &[T], from: usize, columns: &mut [[f64; CHUNK]; N]) {
    for (lane, column) in columns.iter_mut().enumerate() {
        let column = column.get_mut(from..from + BLOCK).unwrap_or_default();
        for (value, row) in column.iter_mut().zip(line) {
            *value = row.sides().get(lane).copied().unwrap_or(f64::NAN);
        }
    }
}

impl Indicator {
    /// Starts it alone, before the first row.
    #[must_use]
    pub fn start<T: Real>(&self) -> Started<T> {
        Plan::new(&[*self]).start()
    }
}

/// Numbers that lie side by side in memory.
trait Side<const N: usize>: Real {
    fn sides(&self) -> &[f64; N];

    fn sides_mut(&mut self) -> &mut [f64; N];
}

impl Side<1> for f64 {
    #[inline(always)]
    fn sides(&self) -> &[f64; 1] {
        std::array::from_ref(self)
    }

    #[inline(always)]
    fn sides_mut(&mut self) -> &mut [f64; 1] {
        std::array::from_mut(self)
    }
}

impl<const N: usize> Side<N> for Lanes<N> {
    #[inline(always)]
    fn sides(&self) -> &[f64; N] {
        &self.0
    }

    #[inline(always)]
    fn sides_mut(&mut self) -> &mut [f64; N] {
        &mut self.0
    }
}

/// Takes the rows from `first` on into a table, each series into its own lane; lanes without a row keep what they have.
fn fill<T: Side<N>, const N: usize>(table: &mut [Row<T>], members: &[(usize, Series<'_>)], first: usize) {
    for (lane, (_, series)) in members.iter().enumerate() {
        fill_column(table, series.open, first, |row| row.open.sides_mut().get_mut(lane));
        fill_column(table, series.high, first, |row| row.high.sides_mut().get_mut(lane));
        fill_column(table, series.low, first, |row| row.low.sides_mut().get_mut(lane));
        fill_column(table, series.close, first, |row| row.close.sides_mut().get_mut(lane));
        fill_column(table, series.volume, first, |row| row.volume.sides_mut().get_mut(lane));
    }
}

#[inline(always)]
fn fill_column<T>(table: &mut [Row<T>], column: &[f64], first: usize, place: impl Fn(&mut Row<T>) -> Option<&mut f64>) {
    for (row, x) in table.iter_mut().zip(column.get(first..).unwrap_or_default()) {
        if let Some(side) = place(row) {
            *side = *x;
        }
    }
}

/// Outputs of one series over a stretch of rows.
#[derive(Debug, Clone, Copy)]
pub struct Chunk<'a> {
    /// Which series.
    pub series: usize,
    /// Number of the first row.
    pub first: usize,
    pub rows: usize,
    lane: usize,
    lanes: usize,
    /// The columns of all lanes of the first output, then of the next.
    values: &'a [[f64; CHUNK]],
}

impl<'a> Chunk<'a> {
    /// The outputs in the order of the indicators, each a column; NaN where there is no value.
    pub fn columns(&self) -> impl Iterator<Item = &'a [f64]> + use<'a> {
        let rows = self.rows;
        let own = self.values.get(self.lane..).unwrap_or_default().iter().step_by(self.lanes);
        own.map(move |column| column.get(..rows).unwrap_or_default())
    }
}

/// Started sources that take row after row: the live form.
pub struct Started<T> {
    kernels: Vec<(Box<dyn Kernel<T>>, std::ops::Range<usize>)>,
    /// The values of all sources at the last row.
    lines: Vec<T>,
    /// Of each output its place in the lines.
    places: Vec<usize>,
}

impl<T: Real> Started<T> {
    /// Takes the next row.
    pub fn push(&mut self, row: &Row<T>) {
        for (kernel, lines) in &mut self.kernels {
            if let Some(lines) = self.lines.get_mut(lines.clone()) {
                kernel.run(std::slice::from_ref(row), lines);
            }
        }
    }

    /// The outputs at the last row, in the order of the indicators; NaN where there is no value.
    pub fn outputs(&self) -> impl Iterator<Item = T> + '_ {
        self.places.iter().map(|place| self.lines.get(*place).copied().unwrap_or(T::of(f64::NAN)))
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        for (kernel, _) in &mut self.kernels {
            kernel.reset();
        }
        self.lines.fill(T::of(f64::NAN));
    }
}

/// The columns of one indicator over each series.
#[must_use]
pub fn columns(indicator: &Indicator, series: &[Series<'_>]) -> Vec<Vec<Column>> {
    let plan = Plan::new(&[*indicator]);
    let mut tables = vec![vec![Column::new(); plan.outputs()]; series.len()];
    plan.run(series, |chunk| {
        if let Some(table) = tables.get_mut(chunk.series) {
            for (column, values) in table.iter_mut().zip(chunk.columns()) {
                column.extend_from_slice(values);
            }
        }
    });
    tables
}
