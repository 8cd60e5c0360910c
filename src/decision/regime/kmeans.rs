//! Seeded k-means with the k-means++ start (Arthur, Vassilvitskii 2007): where the fit of the hidden Markov model begins.

use super::hmm::{Observation, STATES};
use crate::domain::random::SplitMix64;

const ROUNDS: usize = 20;

fn distance(a: &Observation, b: &Observation) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum()
}

fn nearest(centres: &[Observation; STATES], x: &Observation) -> usize {
    let [a, b, c] = centres.map(|centre| distance(&centre, x));
    if a <= b && a <= c {
        0
    } else if b <= c {
        1
    } else {
        2
    }
}

/// First centre at random, each further one with a chance that grows with the square of its distance from those before.
fn first_centres(row: &[Observation], rng: &mut SplitMix64) -> Option<[Observation; STATES]> {
    let mut centres = [*row.get(rng.below(row.len()))?; STATES];
    for known in 1..STATES {
        let reach = |x: &Observation| {
            centres.iter().take(known).map(|centre| distance(centre, x)).fold(f64::INFINITY, f64::min)
        };
        let mut rest = rng.unit() * row.iter().map(reach).sum::<f64>();
        let drawn = row.iter().find(|x| {
            rest -= reach(x);
            rest < 0.0
        });
        let drawn = *drawn.or_else(|| row.last())?;
        *centres.get_mut(known)? = drawn;
    }
    Some(centres)
}

/// The cluster of each observation; `None` for an empty row.
pub(super) fn clusters(row: &[Observation], rng: &mut SplitMix64) -> Option<Vec<usize>> {
    let mut centres = first_centres(row, rng)?;
    let mut places: Vec<usize> = row.iter().map(|x| nearest(&centres, x)).collect();
    for _ in 0..ROUNDS {
        for (k, centre) in centres.iter_mut().enumerate() {
            let mine = || row.iter().zip(&places).filter(|(_, place)| **place == k).map(|(x, _)| x);
            let n = mine().count();
            // A cluster that lost its last member keeps its centre.
            if n > 0 {
                let [x, y] = mine().fold([0.0, 0.0], |[a, b], [x, y]| [a + x, b + y]);
                *centre = [x / n as f64, y / n as f64];
            }
        }
        let next: Vec<usize> = row.iter().map(|x| nearest(&centres, x)).collect();
        if next == places {
            break;
        }
        places = next;
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_heaps_are_found_and_odd_rows_do_no_harm() {
        let mut rng = SplitMix64::new(&[1]);
        let row: Vec<Observation> = (0..300)
            .map(|i| [f64::from(i % 3) * 10.0 + rng.normal(), f64::from(i % 3) * -5.0 + rng.normal()])
            .collect();
        let places = clusters(&row, &mut rng).unwrap();
        for heap in 0..3 {
            let first = places[heap];
            assert!(places.iter().skip(heap).step_by(3).all(|p| *p == first), "heap {heap}");
        }
        assert_eq!(clusters(&[], &mut rng), None);
        assert_eq!(clusters(&[[1.0, 1.0]], &mut rng), Some(vec![0]));
        assert_eq!(clusters(&[[2.0, 2.0]; 9], &mut rng), Some(vec![0; 9]));
    }
}
