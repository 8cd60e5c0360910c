//! One asset's range of weights, cut where the cost of trading turns: at the held weight.

/// Cuts from 0 to the cap, and the slope of the trading cost between two of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pieces {
    cuts: [f64; 3],
    slopes: [f64; 2],
    count: usize,
}

/// Where an asset's weight is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Fixed at a cut.
    At(usize),
    /// Free in a piece, between the cuts of this number and the next.
    In(usize),
}

impl Pieces {
    pub(super) fn new(cap: f64, held: f64, cost: f64) -> Self {
        if cap <= 0.0 {
            return Self { cuts: [0.0; 3], slopes: [0.0; 2], count: 0 };
        }
        if cost > 0.0 && held > 0.0 && held < cap {
            return Self { cuts: [0.0, held, cap], slopes: [-cost, cost], count: 2 };
        }
        let slope = if held > 0.0 { -cost } else { cost };
        Self { cuts: [0.0, cap, cap], slopes: [slope; 2], count: 1 }
    }

    pub(super) fn cut(&self, at: usize) -> f64 {
        self.cuts.get(at).copied().unwrap_or_default()
    }

    /// Slope of a piece.
    pub(super) fn slope(&self, piece: usize) -> f64 {
        self.slopes.get(piece).copied().unwrap_or_default()
    }

    /// The piece above a cut, if the weight can grow there.
    pub(super) fn above(&self, cut: usize) -> Option<usize> {
        (cut < self.count).then_some(cut)
    }

    /// The piece below a cut, if the weight can shrink there.
    pub(super) fn below(&self, cut: usize) -> Option<usize> {
        cut.checked_sub(1)
    }

    /// The place of a weight inside the range.
    pub(super) fn place(&self, weight: f64) -> Place {
        for cut in 0..=self.count {
            if weight <= self.cut(cut) {
                let at = weight == self.cut(cut) || cut == 0;
                return if at { Place::At(cut) } else { Place::In(cut - 1) };
            }
        }
        Place::At(self.count)
    }

    /// Pieces into which a weight at this place can grow and shrink.
    pub(super) fn around(&self, place: Place) -> (Option<usize>, Option<usize>) {
        match place {
            Place::At(cut) => (self.above(cut), self.below(cut)),
            Place::In(piece) => (Some(piece), Some(piece)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_held_weight_cuts_the_range_only_inside_it() {
        let cut = Pieces::new(0.5, 0.2, 0.01);
        assert_eq!((cut.place(0.0), cut.place(0.1), cut.place(0.2)), (Place::At(0), Place::In(0), Place::At(1)));
        assert_eq!((cut.place(0.3), cut.place(0.5)), (Place::In(1), Place::At(2)));
        assert_eq!((cut.around(Place::At(1)), cut.slope(0), cut.slope(1)), ((Some(1), Some(0)), -0.01, 0.01));
        let (above, below) = (Pieces::new(0.5, 0.6, 0.01), Pieces::new(0.5, 0.0, 0.01));
        assert_eq!((above.slope(0), below.slope(0)), (-0.01, 0.01));
        assert_eq!(above.around(Place::At(1)), (None, Some(0)));
        assert_eq!(Pieces::new(0.0, 0.1, 0.01).around(Place::At(0)), (None, None));
    }
}
