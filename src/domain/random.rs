//! The seeded random source of bootstraps, jitter and the stand-in exchange: `SplitMix64` (Steele, Lea, Flood 2014), the same on every
//! machine.

/// A generator whose numbers depend on its seed alone.
#[derive(Debug, Clone)]
pub struct SplitMix64(u64);

const GOLDEN_GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

impl SplitMix64 {
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream of its own for each list of parts, so that the order in which jobs run cannot matter.
    #[must_use]
    pub fn new(parts: &[u64]) -> Self {
        let mut rng = Self(GOLDEN_GAMMA);
        for part in parts {
            rng.0 ^= *part;
            rng.0 = rng.next_u64();
        }
        rng
    }

    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN_GAMMA);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in `0..n`; 0 for `n = 0`.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next_u64()) * n as u128) >> 64) as usize
    }

    /// Standard normal (Box-Muller).
    pub fn normal(&mut self) -> f64 {
        let (u, v) = (1.0 - self.unit(), self.unit());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_numbers() {
        let mut r = SplitMix64::seeded(1_234_567);
        assert_eq!(
            [r.next_u64(), r.next_u64(), r.next_u64()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn uniform_in_range_and_streams_differ() {
        let mut rng = SplitMix64::new(&[7, 1]);
        let draws: Vec<f64> = (0..10_000).map(|_| rng.unit()).collect();
        assert!(draws.iter().all(|u| (0.0..1.0).contains(u)));
        let mean = draws.iter().sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.015, "{mean}");
        assert!((0..1_000).map(|_| rng.below(3)).all(|i| i < 3));
        assert_ne!(SplitMix64::new(&[7, 1]).next_u64(), SplitMix64::new(&[1, 7]).next_u64());
        assert_eq!(SplitMix64::new(&[7, 1]).next_u64(), SplitMix64::new(&[7, 1]).next_u64());
    }
}
