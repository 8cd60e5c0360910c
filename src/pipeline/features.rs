//! Features and indicators of one pair, bar by bar.

use std::f64::consts::TAU;

use super::kernels::{
    Adx, Atr, Bollinger, ChaikinFlow, Channel, Donchian, Ema, HalfLife, Hampel, Lag, Macd, MoneyFlow, RollingSum, Rsi,
    SampleSd, Stochastic, Supertrend, ZScore,
};
use crate::domain::settings::PipelineSettings;
use crate::domain::time::{DAY_MS, HOUR_MS};
use crate::domain::{Bar, Feature, FeatureRow, Indicators, UtcMs};

/// What is known at the close of a bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeatureOutput {
    pub features: FeatureRow,
    pub indicators: Indicators,
    /// Causal Hampel flag on the close.
    pub outlier: bool,
}

/// Every window of one pair. Feed it consecutive closed hourly bars; after a hole call [`FeatureEngine::reset`].
#[derive(Debug, Clone)]
pub struct FeatureEngine {
    close_before: Lag<f64>,
    close_4: Lag<f64>,
    close_24: Lag<f64>,
    close_72: Lag<f64>,
    sigma24: SampleSd,
    sigma168: SampleSd,
    ema50: Ema,
    ema50_before: Lag<f64>,
    ema200: Ema,
    atr: Atr,
    adx: Adx,
    rsi: Rsi,
    macd: Macd,
    bollinger: Bollinger,
    z20: ZScore,
    stochastic: Stochastic,
    money_flow: MoneyFlow,
    chaikin: ChaikinFlow,
    donchian: Donchian,
    /// The channel of the bars before the next one.
    channel: Option<Channel>,
    supertrend: Supertrend,
    volume24: RollingSum,
    volume_z: ZScore,
    half_life: HalfLife,
    hampel: Hampel,
}

/// Log returns to the newest close.
#[derive(Clone, Copy)]
struct Returns {
    over_1: Option<f64>,
    over_4: Option<f64>,
    over_24: Option<f64>,
    over_72: Option<f64>,
}

impl FeatureEngine {
    #[must_use]
    pub fn new(settings: &PipelineSettings) -> Self {
        Self {
            close_before: Lag::new(1),
            close_4: Lag::new(4),
            close_24: Lag::new(24),
            close_72: Lag::new(72),
            sigma24: SampleSd::new(24),
            sigma168: SampleSd::new(168),
            ema50: Ema::new(50),
            ema50_before: Lag::new(8),
            ema200: Ema::new(200),
            atr: Atr::new(14),
            adx: Adx::new(14),
            rsi: Rsi::new(14),
            macd: Macd::new(12, 26, 9),
            bollinger: Bollinger::new(20, 2.0),
            z20: ZScore::new(20),
            stochastic: Stochastic::new(14, 3, 3),
            money_flow: MoneyFlow::new(14),
            chaikin: ChaikinFlow::new(20),
            donchian: Donchian::new(20),
            channel: None,
            supertrend: Supertrend::new(10, 3.0),
            volume24: RollingSum::new(24),
            volume_z: ZScore::new(24),
            half_life: HalfLife::new(100),
            hampel: Hampel::new(settings.hampel_window, settings.hampel_k),
        }
    }

    /// Takes the next closed bar.
    pub fn push(&mut self, bar: &Bar) -> FeatureOutput {
        let outlier = self.hampel.push(bar.close);
        let returns = self.returns(bar.close);
        let indicators = self.indicators(bar, returns.over_1);
        let features = self.features(bar, returns, &indicators);
        FeatureOutput { features, indicators, outlier }
    }

    /// Forgets everything: the next bar starts every window anew.
    pub fn reset(&mut self) {
        self.close_before.reset();
        self.close_4.reset();
        self.close_24.reset();
        self.close_72.reset();
        self.sigma24.reset();
        self.sigma168.reset();
        self.ema50.reset();
        self.ema50_before.reset();
        self.ema200.reset();
        self.atr.reset();
        self.adx.reset();
        self.rsi.reset();
        self.macd.reset();
        self.bollinger.reset();
        self.z20.reset();
        self.stochastic.reset();
        self.money_flow.reset();
        self.chaikin.reset();
        self.donchian.reset();
        self.channel = None;
        self.supertrend.reset();
        self.volume24.reset();
        self.volume_z.reset();
        self.half_life.reset();
        self.hampel.reset();
    }

    fn returns(&mut self, close: f64) -> Returns {
        let log_return = |before: Option<f64>| ratio(Some(close), before).and_then(ln);
        Returns {
            over_1: log_return(self.close_before.push(close)),
            over_4: log_return(self.close_4.push(close)),
            over_24: log_return(self.close_24.push(close)),
            over_72: log_return(self.close_72.push(close)),
        }
    }

    fn indicators(&mut self, bar: &Bar, last_return: Option<f64>) -> Indicators {
        let adx14 = self.adx.push(bar);
        let directional = self.adx.lines();
        // A 0 that only stands in for 0/0 is no value.
        let rsi14 = self.rsi.push(bar.close).filter(|_| self.rsi.is_defined());
        let mfi14 = self.money_flow.push(bar).filter(|_| self.money_flow.is_defined());
        let band = self.bollinger.push(bar.close);
        // A breakout is judged by the channel of the bars before this one.
        let channel = self.channel;
        self.channel = self.donchian.push(bar);
        Indicators {
            ema50: self.ema50.push(bar.close),
            ema200: self.ema200.push(bar.close),
            atr14: self.atr.push(bar),
            adx14,
            plus_di14: directional.map(|d| d.plus_di),
            minus_di14: directional.map(|d| d.minus_di),
            rsi14,
            macd_histogram: self.macd.push(bar.close).map(|m| m.histogram),
            bollinger_upper: band.map(|b| b.upper),
            bollinger_middle: band.map(|b| b.middle),
            bollinger_lower: band.map(|b| b.lower),
            percent_b: band.and_then(|b| b.position(bar.close)),
            z20: self.z20.push(bar.close),
            mfi14,
            cmf20: self.chaikin.push(bar),
            donchian_upper: channel.map(|c| c.upper),
            donchian_lower: channel.map(|c| c.lower),
            supertrend_up: self.supertrend.push(bar).map(|t| t.is_up()),
            sigma24: last_return.and_then(|r| self.sigma24.push(r)),
            sigma168: last_return.and_then(|r| self.sigma168.push(r)),
            volume24: self.volume24.push(bar.volume),
            half_life: ln(bar.close).and_then(|x| self.half_life.push(x)),
        }
    }

    fn features(&mut self, bar: &Bar, returns: Returns, i: &Indicators) -> FeatureRow {
        let close = Some(bar.close);
        let sigma = i.sigma24;
        let scaled = |r: Option<f64>, bars: f64| ratio(r, sigma.map(|s| s * bars.sqrt()));
        let ema50_before = i.ema50.and_then(|e| self.ema50_before.push(e));
        let stochastic = self.stochastic.push(bar).filter(|_| self.stochastic.is_defined());
        let angle = hour_angle(bar.open_time);
        let volume_z = self.volume_z.push(bar.volume.ln_1p());
        let value = |feature: Feature| match feature {
            Feature::Return1 => scaled(returns.over_1, 1.0),
            Feature::Return4 => scaled(returns.over_4, 4.0),
            Feature::Return24 => scaled(returns.over_24, 24.0),
            Feature::Return72 => scaled(returns.over_72, 72.0),
            Feature::Ema50Distance => ratio(minus(close, i.ema50), i.atr14),
            Feature::Ema200Distance => ratio(minus(close, i.ema200), i.atr14),
            Feature::Ema50Slope => ratio(ratio(i.ema50, ema50_before).and_then(ln), sigma),
            Feature::Rsi14 => i.rsi14.map(|x| (x - 50.0) / 50.0),
            Feature::MacdHistogram => ratio(i.macd_histogram, i.atr14),
            Feature::Adx14 => i.adx14.map(|x| x / 100.0),
            Feature::DirectionalSpread => minus(i.plus_di14, i.minus_di14).map(|d| d / 100.0),
            Feature::PercentB => i.percent_b.map(|b| b - 0.5),
            Feature::Stochastic => stochastic.map(|s| s.slow_k / 100.0 - 0.5),
            Feature::Mfi14 => i.mfi14.map(|x| (x - 50.0) / 50.0),
            Feature::Cmf20 => i.cmf20,
            Feature::VolatilityRatio => ratio(sigma, i.sigma168).and_then(ln),
            Feature::VolatilityLevel => sigma.and_then(ln),
            Feature::VolumeZ => volume_z,
            Feature::HourSin => Some(angle.sin()),
            Feature::HourCos => Some(angle.cos()),
        };
        FeatureRow(Feature::ALL.map(value))
    }
}

/// The hour of the day in which the bar opened, as an angle.
fn hour_angle(open_time: UtcMs) -> f64 {
    let hour = open_time.since(open_time.day()) / HOUR_MS;
    TAU * hour as f64 / (DAY_MS / HOUR_MS) as f64
}

fn minus(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.zip(b).map(|(a, b)| a - b)
}

/// `a / b`; nothing when that is not a finite number.
fn ratio(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.zip(b).map(|(a, b)| a / b).filter(|r| r.is_finite())
}

/// Natural logarithm; nothing when that is not a finite number.
fn ln(x: f64) -> Option<f64> {
    Some(x.ln()).filter(|l| l.is_finite())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::settings::WARMUP_HOURS;
    use crate::pipeline::golden;

    fn engine() -> FeatureEngine {
        FeatureEngine::new(&PipelineSettings::default())
    }

    fn run(bars: &[Bar]) -> Vec<FeatureOutput> {
        let mut engine = engine();
        bars.iter().map(|bar| engine.push(bar)).collect()
    }

    /// Hourly ETH/USD or PEPE/USD of the recording behind the reference vectors.
    fn recorded(series: &str) -> Vec<Bar> {
        let name = format!("mfi_14/{series}");
        golden::cases("indicators").iter().find(|c| c.name == name).unwrap().bars()
    }

    /// What must be bit-equal: every number as bits, since NaN would hide in `==`.
    fn bits(out: &FeatureOutput) -> String {
        let row: Vec<_> = out.features.0.iter().map(|v| v.map(f64::to_bits)).collect();
        format!("{row:?} {:?} {}", out.indicators, out.outlier)
    }

    #[test]
    fn features_equal_their_definitions_on_real_bars() {
        let bars = recorded("eth_usd_1h");
        let out = run(&bars);
        let close: Vec<f64> = bars.iter().map(|b| b.close).collect();
        for t in [200, 287, 399] {
            let (row, i) = (&out[t].features, &out[t].indicators);
            let log = |h: usize| (close[t] / close[t - h]).ln();
            let sd = |n: usize| {
                let r: Vec<f64> = (t + 1 - n..=t).map(|k| (close[k] / close[k - 1]).ln()).collect();
                let mean = r.iter().sum::<f64>() / n as f64;
                (r.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1) as f64).sqrt()
            };
            let volumes: Vec<f64> = bars[t - 23..=t].iter().map(|b| b.volume.ln_1p()).collect();
            let mean = volumes.iter().sum::<f64>() / 24.0;
            let volume_sd = (volumes.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 23.0).sqrt();
            let ema_before = out[t - 8].indicators.ema50.unwrap();
            let atr = i.atr14.unwrap();
            let hour = (bars[t].open_time.0 / HOUR_MS % 24) as f64;
            let expected = [
                (Feature::Return1, log(1) / sd(24)),
                (Feature::Return4, log(4) / (sd(24) * 2.0)),
                (Feature::Return24, log(24) / (sd(24) * 24.0_f64.sqrt())),
                (Feature::Return72, log(72) / (sd(24) * 72.0_f64.sqrt())),
                (Feature::Ema50Distance, (close[t] - i.ema50.unwrap()) / atr),
                (Feature::Ema200Distance, (close[t] - i.ema200.unwrap()) / atr),
                (Feature::Ema50Slope, (i.ema50.unwrap() / ema_before).ln() / sd(24)),
                (Feature::Rsi14, (i.rsi14.unwrap() - 50.0) / 50.0),
                (Feature::MacdHistogram, i.macd_histogram.unwrap() / atr),
                (Feature::Adx14, i.adx14.unwrap() / 100.0),
                (Feature::DirectionalSpread, (i.plus_di14.unwrap() - i.minus_di14.unwrap()) / 100.0),
                (Feature::PercentB, i.percent_b.unwrap() - 0.5),
                (Feature::Mfi14, (i.mfi14.unwrap() - 50.0) / 50.0),
                (Feature::Cmf20, i.cmf20.unwrap()),
                (Feature::VolatilityRatio, (sd(24) / sd(168)).ln()),
                (Feature::VolatilityLevel, sd(24).ln()),
                (Feature::VolumeZ, (volumes[23] - mean) / volume_sd),
                (Feature::HourSin, (TAU * hour / 24.0).sin()),
                (Feature::HourCos, (TAU * hour / 24.0).cos()),
            ];
            for (feature, want) in expected {
                let got = row.get(feature).unwrap();
                assert!((got - want).abs() < 1e-9, "{} at {t}: {got}, expected {want}", feature.as_str());
            }
            let high = bars[t - 20..t].iter().map(|b| b.high).fold(f64::MIN, f64::max);
            let low = bars[t - 20..t].iter().map(|b| b.low).fold(f64::MAX, f64::min);
            assert_eq!((i.donchian_upper, i.donchian_lower), (Some(high), Some(low)));
            let volume: f64 = bars[t - 23..=t].iter().map(|b| b.volume).sum();
            assert!((i.volume24.unwrap() - volume).abs() < 1e-6);
        }
    }

    /// The levels that have a reference vector of their own, through the engine.
    #[test]
    fn indicators_equal_the_reference() {
        let mut checked = 0;
        for case in golden::cases("indicators").iter().chain(&golden::cases("volatility")) {
            type Part = fn(&FeatureOutput) -> Option<f64>;
            let (output, part): (&str, Part) = match case.name.as_str() {
                "ema_50/eth_usd_1h" | "ema_50/pepe_usd_1h" => ("value", |o| o.indicators.ema50),
                "rsi_14/eth_usd_1h" => ("value", |o| o.indicators.rsi14),
                "atr_14/eth_usd_1h" => ("value", |o| o.indicators.atr14),
                "adx_14/eth_usd_1h" => ("value", |o| o.indicators.adx14),
                "mfi_14/eth_usd_1h" => ("value", |o| o.indicators.mfi14),
                "cmf_20/eth_usd_1h" => ("value", |o| o.indicators.cmf20),
                "zscore_20/eth_usd_1h" => ("value", |o| o.indicators.z20),
                "macd_12_26_9/eth_usd_1h" => ("hist", |o| o.indicators.macd_histogram),
                "bbands_20_2/eth_usd_1h" => ("lower", |o| o.indicators.bollinger_lower),
                "stoch_14_3_3/eth_usd_1h" => {
                    ("slow_k", |o| o.features.get(Feature::Stochastic).map(|s| (s + 0.5) * 100.0))
                }
                "supertrend_10_3/eth_usd_1h" => {
                    ("direction", |o| o.indicators.supertrend_up.map(|up| if up { 1.0 } else { -1.0 }))
                }
                "close_to_close" => ("value", |o| o.indicators.sigma24),
                _ => continue,
            };
            let bars = recorded(if case.name.ends_with("pepe_usd_1h") { "pepe_usd_1h" } else { "eth_usd_1h" });
            case.check(output, &run(&bars).iter().map(part).collect::<Vec<_>>());
            checked += 1;
        }
        assert_eq!(checked, 13);
    }

    #[test]
    fn the_row_is_complete_exactly_when_the_longest_window_is_filled() {
        let out = run(&recorded("pepe_usd_1h"));
        let first = out.iter().position(|o| o.features.complete().is_ok());
        assert_eq!(first, usize::try_from(WARMUP_HOURS - 1).ok());
        assert!(out[199..].iter().all(|o| o.features.complete().is_ok()));
    }

    #[test]
    fn a_reset_engine_is_a_new_engine() {
        let bars = recorded("eth_usd_1h");
        let mut used = engine();
        for bar in &bars {
            used.push(bar);
        }
        used.reset();
        let again: Vec<_> = bars.iter().map(|bar| bits(&used.push(bar))).collect();
        assert_eq!(again, run(&bars).iter().map(bits).collect::<Vec<_>>());
    }

    /// Truncation and poison: a value at `t` is the same bit for bit when the future is missing, garbage or NaN.
    #[test]
    fn nothing_depends_on_the_future() {
        let bars = recorded("eth_usd_1h");
        let full: Vec<_> = run(&bars).iter().map(bits).collect();
        for t in (0..bars.len()).step_by(7) {
            let known = run(&bars[..=t]);
            assert_eq!(bits(known.last().unwrap()), full[t], "truncated at {t}");
            for poison in [f64::NAN, 1e12] {
                let mut poisoned = bars.clone();
                for bar in &mut poisoned[t + 1..] {
                    (bar.open, bar.high, bar.low, bar.close, bar.volume) = (poison, poison, poison, poison, poison);
                }
                let poisoned: Vec<_> = run(&poisoned)[..=t].iter().map(bits).collect();
                assert_eq!(poisoned, full[..=t], "poisoned after {t}");
            }
        }
    }

    #[test]
    fn a_market_that_never_moves_has_no_ratios() {
        let flat =
            |i: i64| Bar { open_time: UtcMs(i * HOUR_MS), open: 0.1, high: 0.1, low: 0.1, close: 0.1, volume: 3.0 };
        let bars: Vec<_> = (0..300).map(flat).collect();
        let out = run(&bars);
        let last = out.last().unwrap();
        let present: Vec<_> = Feature::ALL.into_iter().filter(|f| last.features.get(*f).is_some()).collect();
        let known = [Feature::Adx14, Feature::DirectionalSpread, Feature::Cmf20, Feature::HourSin, Feature::HourCos];
        assert_eq!(present, known);
        assert!(last.features.complete().is_err() && !last.outlier);
        assert_eq!(
            (last.indicators.sigma24, last.indicators.rsi14, last.indicators.half_life),
            (Some(0.0), None, None)
        );
    }

    #[test]
    fn an_outlying_close_is_flagged() {
        let mut bars = recorded("eth_usd_1h");
        assert!(!run(&bars)[300].outlier);
        bars[300].close *= 1.5;
        bars[300].high = bars[300].close;
        assert!(run(&bars)[300].outlier);
    }

    /// A random walk on a price grid, with ties and flat stretches as real ticks have them.
    fn walk() -> impl Strategy<Value = Vec<Bar>> {
        prop::collection::vec((-40_i32..=40, 0_u32..30, 0_u32..30, 1_u32..5_000), 260).prop_map(|steps| {
            let mut ticks = 50_000_i32;
            let price = |ticks: i32| f64::from(ticks) / 100.0;
            steps
                .iter()
                .enumerate()
                .map(|(i, (step, up, down, volume))| {
                    let open = ticks;
                    ticks += step;
                    let (top, bottom) = (open.max(ticks), open.min(ticks));
                    Bar {
                        open_time: UtcMs(i64::try_from(i).unwrap() * HOUR_MS),
                        open: price(open),
                        high: price(top + i32::try_from(*up).unwrap()),
                        low: price(bottom - i32::try_from(*down).unwrap()),
                        close: price(ticks),
                        volume: f64::from(*volume) / 10.0,
                    }
                })
                .collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn features_do_not_know_the_unit_of_price(bars in walk()) {
            let scale = |x: f64| x * 1e-6;
            let small: Vec<_> = bars
                .iter()
                .map(|b| Bar {
                    open: scale(b.open),
                    high: scale(b.high),
                    low: scale(b.low),
                    close: scale(b.close),
                    ..*b
                })
                .collect();
            for (t, (a, b)) in run(&bars).iter().zip(run(&small)).enumerate() {
                prop_assert_eq!(a.outlier, b.outlier);
                prop_assert_eq!(a.indicators.supertrend_up, b.indicators.supertrend_up);
                for feature in Feature::ALL {
                    match (a.features.get(feature), b.features.get(feature)) {
                        (Some(x), Some(y)) => prop_assert!(
                            (x - y).abs() <= 1e-9 * x.abs().max(1.0),
                            "{} at {}: {} against {}", feature.as_str(), t, x, y
                        ),
                        (x, y) => prop_assert_eq!(x, y),
                    }
                }
            }
        }

        #[test]
        fn every_value_is_finite_and_within_its_range(bars in walk()) {
            for out in run(&bars) {
                prop_assert!(out.features.0.iter().flatten().all(|v| v.is_finite()));
                for (feature, bound) in [
                    (Feature::Rsi14, 1.0),
                    (Feature::Adx14, 1.0),
                    (Feature::DirectionalSpread, 1.0),
                    (Feature::Stochastic, 0.5),
                    (Feature::Mfi14, 1.0),
                    (Feature::Cmf20, 1.0),
                ] {
                    let value = out.features.get(feature).unwrap_or(0.0);
                    prop_assert!(value.abs() <= bound + 1e-12, "{} = {}", feature.as_str(), value);
                }
            }
        }
    }
}
