//! The rule regime: Bull, Bear or Sideways from closed bars.
//!
//! z = slope·W / (sd·√W): OLS slope of ln close over the last W bars against what a random walk of the same volatility would
//! drift. Bull is entered above `enter` and kept above `exit`, Bear likewise below; a switch needs the same new state on
//! `confirm_bars` bars in a row. Nothing is smoothed backwards.

use std::collections::VecDeque;

use crate::decision::continuity::{Continuity, Follows};
use crate::domain::frame::Frame;
use crate::domain::reading::{Regime, RegimeReading};
use crate::domain::settings::RegimeSettings;

/// Log prices are kept as whole multiples of 2⁻⁴⁴, so that the rolling sums are exact: they never drift, and a window has
/// the same statistic whatever came before it.
const SCALE: f64 = (1_u64 << 44) as f64;

/// The rule regime of one pair, one close at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleRegime {
    settings: RegimeSettings,
    /// The last W + 1 log closes, oldest first.
    logs: VecDeque<i64>,
    /// Over the last W closes: Σy and Σi·y with i = 0 for the oldest.
    sum_y: i128,
    sum_iy: i128,
    /// Over the last W one-bar returns.
    sum_r: i128,
    sum_rr: i128,
    streak: u32,
    reading: RegimeReading,
}

impl RuleRegime {
    /// Starts in Sideways with no regime known.
    #[must_use]
    pub fn new(settings: &RegimeSettings) -> Self {
        Self {
            settings: settings.clone(),
            logs: VecDeque::with_capacity(settings.window.saturating_add(2)),
            sum_y: 0,
            sum_iy: 0,
            sum_r: 0,
            sum_rr: 0,
            streak: 0,
            reading: RegimeReading::default(),
        }
    }

    /// Forgets everything, as after a hole in the data.
    pub fn reset(&mut self) {
        let settings = self.settings.clone();
        *self = Self::new(&settings);
    }

    /// The newest reading.
    #[must_use]
    pub const fn reading(&self) -> RegimeReading {
        self.reading
    }

    /// Takes the next close. A close that is not a finite number above 0 resets.
    pub fn push(&mut self, close: f64) -> RegimeReading {
        if !(close.is_finite() && close > 0.0) {
            self.reset();
            return self.reading;
        }
        self.roll((close.ln() * SCALE).round() as i64);
        self.reading.z = self.statistic();
        match self.reading.z {
            Some(z) => self.advance(z),
            None => {
                self.streak = 0;
                self.reading.pending = None;
            }
        }
        self.reading
    }

    fn roll(&mut self, y: i64) {
        let window = self.settings.window;
        if let Some(last) = self.logs.back() {
            let r = i128::from(y) - i128::from(*last);
            self.sum_r += r;
            self.sum_rr += r * r;
        }
        let filled = self.logs.len().min(window);
        if filled == window {
            // The oldest close leaves the slope's window and all others move one place down.
            if let Some(oldest) = self.logs.len().checked_sub(window).and_then(|i| self.logs.get(i)) {
                self.sum_y -= i128::from(*oldest);
                self.sum_iy -= self.sum_y;
            }
        }
        let place = filled.min(window.saturating_sub(1));
        self.sum_y += i128::from(y);
        self.sum_iy += place as i128 * i128::from(y);
        self.logs.push_back(y);
        if self.logs.len() > window.saturating_add(1)
            && let Some(gone) = self.logs.pop_front()
            && let Some(first) = self.logs.front()
        {
            let r = i128::from(*first) - i128::from(gone);
            self.sum_r -= r;
            self.sum_rr -= r * r;
        }
    }

    /// z, or `None` before W returns are there and while the price does not vary.
    fn statistic(&self) -> Option<f64> {
        let w = self.settings.window;
        if w < 2 || self.logs.len() <= w {
            return None;
        }
        let n = w as i128;
        // n·Σiy − Σi·Σy over n·Σi² − (Σi)² is the slope; both differences are exact.
        let sum_i = n.checked_mul(n - 1)? / 2;
        let rise = n.checked_mul(self.sum_iy)?.checked_sub(sum_i.checked_mul(self.sum_y)?)?;
        let run = n.checked_mul(n)?.checked_mul(n.checked_mul(n)?.checked_sub(1)?)? / 12;
        let spread = n.checked_mul(self.sum_rr)?.checked_sub(self.sum_r.checked_mul(self.sum_r)?)?;
        if spread <= 0 {
            return None;
        }
        let slope = rise as f64 / run as f64 / SCALE;
        let count = w as f64;
        let sd = (spread as f64 / (count * (count - 1.0))).sqrt() / SCALE;
        let z = slope * count / (sd * count.sqrt());
        z.is_finite().then_some(z)
    }

    /// Hysteresis and confirmation.
    fn advance(&mut self, z: f64) {
        let raw = self.raw_state(z);
        self.reading.bars = self.reading.bars.saturating_add(1);
        if raw == self.reading.regime {
            self.streak = 0;
            self.reading.pending = None;
            return;
        }
        self.streak = if self.reading.pending == Some(raw) { self.streak.saturating_add(1) } else { 1 };
        self.reading.pending = Some(raw);
        if self.streak >= self.settings.confirm_bars {
            self.streak = 0;
            self.reading = RegimeReading { regime: raw, z: Some(z), bars: 1, pending: None };
        }
    }

    fn raw_state(&self, z: f64) -> Regime {
        let RegimeSettings { enter, exit, .. } = self.settings;
        match self.reading.regime {
            _ if z > enter => Regime::Bull,
            _ if z < -enter => Regime::Bear,
            Regime::Bull if z > exit => Regime::Bull,
            Regime::Bear if z < -exit => Regime::Bear,
            _ => Regime::Sideways,
        }
    }
}

/// The regime of one pair from its frames: a hole in the data, or an hour that never arrived, starts it anew.
#[derive(Debug, Clone, PartialEq)]
pub struct PairRegime {
    rule: RuleRegime,
    row: Continuity,
}

impl PairRegime {
    #[must_use]
    pub fn new(settings: &RegimeSettings) -> Self {
        Self { rule: RuleRegime::new(settings), row: Continuity::default() }
    }

    #[must_use]
    pub const fn reading(&self) -> RegimeReading {
        self.rule.reading()
    }

    /// Takes the frame's close once; a frame seen before changes nothing.
    pub fn observe(&mut self, frame: &Frame) -> RegimeReading {
        match self.row.observe(frame) {
            Follows::Seen => return self.rule.reading(),
            Follows::Hole => {
                self.rule.reset();
                return self.rule.reading();
            }
            Follows::AfterGap => self.rule.reset(),
            Follows::Directly => {}
        }
        self.rule.push(frame.bar.close.to_f64())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::decision::specimens::frame;

    fn golden() -> (Vec<f64>, Value) {
        let file: Value = serde_json::from_str(include_str!("../../../tests/golden/regime.json")).unwrap();
        let close = file["series"]["s"]["close"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        let case = file["cases"].as_array().unwrap().iter().find(|c| c["fn"] == "trend_rule_regime").unwrap();
        (close, case.clone())
    }

    fn settings(case: &Value) -> RegimeSettings {
        let p = &case["params"];
        RegimeSettings {
            window: p["window"].as_u64().unwrap() as usize,
            enter: p["enter"].as_f64().unwrap(),
            exit: p["exit"].as_f64().unwrap(),
            confirm_bars: p["confirm_bars"].as_u64().unwrap() as u32,
        }
    }

    #[test]
    fn the_golden_series_is_matched_bar_by_bar() {
        let (close, case) = golden();
        let mut rule = RuleRegime::new(&settings(&case));
        let (abs, rel) = (case["tol"]["abs"].as_f64().unwrap(), case["tol"]["rel"].as_f64().unwrap());
        let mut compared = 0;
        for (t, c) in close.iter().enumerate() {
            let got = rule.push(*c);
            let want = case["expected"]["z"][t].as_f64();
            assert_eq!(got.z.is_some(), want.is_some(), "bar {t}");
            if let (Some(g), Some(w)) = (got.z, want) {
                assert!((g - w).abs() <= abs + rel * w.abs(), "bar {t}: {g} for {w}");
                assert_eq!(
                    got.regime.as_str().to_lowercase(),
                    case["expected"]["state"][t].as_str().unwrap(),
                    "bar {t}"
                );
                compared += 1;
            }
        }
        assert_eq!(compared, 352);
    }

    #[test]
    fn the_defaults_are_those_of_the_golden_case() {
        assert_eq!(settings(&golden().1), RegimeSettings::default());
    }

    #[test]
    fn a_flat_price_has_no_regime() {
        let mut rule = RuleRegime::new(&RegimeSettings::default());
        let last = (0..200).map(|_| rule.push(100.0)).last().unwrap();
        assert_eq!(last.z, None);
    }

    #[test]
    fn a_bad_close_forgets_everything() {
        let (close, _) = golden();
        for bad in [f64::NAN, 0.0, -1.0, f64::INFINITY] {
            let mut rule = RuleRegime::new(&RegimeSettings::default());
            close.iter().for_each(|c| {
                rule.push(*c);
            });
            assert!(rule.reading().z.is_some());
            assert_eq!(rule.push(bad), RegimeReading::default());
            assert_eq!(rule.push(100.0).z, None);
        }
    }

    #[test]
    fn a_switch_waits_for_its_third_bar() {
        let mut rule = RuleRegime::new(&RegimeSettings::default());
        let mut price = 100.0;
        let mut readings = Vec::new();
        for i in 0..120 {
            price *= if i < 60 { 1.0 + if i % 2 == 0 { 0.001 } else { -0.001 } } else { 1.004 };
            readings.push(rule.push(price));
        }
        let switch = readings.iter().position(|r| r.regime == Regime::Bull).unwrap();
        assert_eq!(readings[switch].bars, 1);
        assert_eq!(readings[switch - 1].pending, Some(Regime::Bull));
        assert_eq!(readings[switch - 2].pending, Some(Regime::Bull));
        assert_eq!(readings[switch - 3].pending, None);
    }

    #[test]
    fn a_hole_resets_and_a_repeated_frame_does_not_count() {
        let (close, _) = golden();
        let mut regime = PairRegime::new(&RegimeSettings::default());
        for (i, c) in close.iter().take(60).enumerate() {
            regime.observe(&frame("ETH/USD", i as i64 + 1, *c));
        }
        let before = regime.reading();
        assert!(before.z.is_some());
        assert_eq!(regime.observe(&frame("ETH/USD", 60, 9_999.0)), before);
        let mut after_hole = frame("ETH/USD", 61, 3_200.0);
        after_hole.quality.bars_since_hole = 0;
        assert_eq!(regime.observe(&after_hole), RegimeReading::default());
    }

    proptest! {
        #[test]
        fn a_window_is_judged_the_same_whatever_came_before(
            before in proptest::collection::vec(0.0001_f64..90_000.0, 0..150),
            window in proptest::collection::vec(50.0_f64..150.0, 49),
        ) {
            let mut long = RuleRegime::new(&RegimeSettings::default());
            let mut fresh = RuleRegime::new(&RegimeSettings::default());
            before.iter().for_each(|c| { long.push(*c); });
            let (mut a, mut b) = (None, None);
            for c in &window {
                a = long.push(*c).z;
                b = fresh.push(*c).z;
            }
            prop_assert_eq!(a.map(f64::to_bits), b.map(f64::to_bits));
        }
    }
}
