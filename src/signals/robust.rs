//! Median, median absolute deviation and the z-score made of them (Hampel 1974): statistics that one whale does not bend.

/// Makes the MAD of a normal sample estimate its standard deviation.
pub const MAD_SCALE: f64 = 1.4826;

/// Middle and spread of a reference sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub median: f64,
    /// Unscaled median of the absolute deviations.
    pub mad: f64,
}

impl Spread {
    /// `None` for an empty sample or one that holds a value that is not finite.
    #[must_use]
    pub fn of(sample: &[f64]) -> Option<Self> {
        let median = median(sample.to_vec())?;
        let mad = self::median(sample.iter().map(|x| (x - median).abs()).collect())?;
        Some(Self { median, mad })
    }

    /// `(x − median) / (1.4826 · MAD)`; `None` when the MAD is 0: then no distance means anything.
    #[must_use]
    pub fn z(&self, x: f64) -> Option<f64> {
        (self.mad > 0.0 && x.is_finite()).then(|| (x - self.median) / (MAD_SCALE * self.mad))
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    if values.iter().any(|x| !x.is_finite()) {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *values.get(values.len() / 2 - 1)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals::testing::{close_enough, golden_case, golden_floats};

    #[test]
    fn agrees_with_the_reference() {
        let case = golden_case("whale.json", "robust_z");
        let x = golden_floats(&case["inputs"]["x"]);
        let spread = Spread::of(&x).expect("a sample");
        let near =
            |got: f64, want: &serde_json::Value| close_enough(got, want.as_f64().expect("a number"), 1e-10, 1e-9);
        assert!(near(spread.median, &case["expected"]["median"]));
        assert!(near(spread.mad, &case["expected"]["mad"]));
        for (value, z) in x.iter().zip(case["expected"]["z"].as_array().expect("a list")) {
            assert!(near(spread.z(*value).expect("a z"), z));
        }
    }

    #[test]
    fn no_spread_is_no_value() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[1.0, f64::NAN]), None);
        assert_eq!(Spread::of(&[2.0, 2.0, 2.0, 9.0]).and_then(|s| s.z(9.0)), None, "half of the sample is equal");
        assert_eq!(Spread::of(&[1.0, 2.0, 4.0, 5.0]), Some(Spread { median: 3.0, mad: 1.5 }));
    }
}
