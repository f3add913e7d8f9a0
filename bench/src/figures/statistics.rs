//! Medians and minima of repeated measurements.

/// Nanoseconds a packet, of several runs.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// One more run.
    pub fn add(&mut self, nanoseconds: f64) {
        self.0.push(nanoseconds);
    }

    /// The runs of several.
    #[must_use]
    pub fn all<'a>(several: impl IntoIterator<Item = &'a Self>) -> Self {
        Self(several.into_iter().flat_map(|one| one.0.clone()).collect())
    }

    /// The value in the middle, NaN where there is none.
    #[must_use]
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        match sorted[..] {
            [] => f64::NAN,
            _ => (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0,
        }
    }

    /// The least disturbed run, NaN where there is none.
    #[must_use]
    pub fn minimum(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[f64]) -> Samples {
        Samples(values.to_vec())
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(samples(&[9.0, 1.0, 2.0]).median(), 2.0);
        assert_eq!(samples(&[4.0, 9.0, 1.0, 2.0]).median(), 3.0);
        assert!(samples(&[]).median().is_nan());
    }

    #[test]
    fn one_disturbed_run_does_not_change_the_minimum() {
        assert_eq!(samples(&[30.0, 25.0, 900.0]).minimum(), 25.0);
        assert!(samples(&[]).minimum().is_nan());
    }
}
