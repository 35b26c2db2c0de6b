//! Counting work, so that tests can compare it with the length of what was read, without a clock.
//!
//! Whatever looks at bytes or items one after the other counts them. Outside of tests nothing is
//! counted.

#[cfg(test)]
#[path = "../../tests/support/hostile_text.rs"]
mod hostile_text;

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Counts bytes or items that are looked at.
#[inline(always)]
pub(crate) fn count(steps: usize) {
    #[cfg(test)]
    STEPS.set(STEPS.get() + steps);
    #[cfg(not(test))]
    let _ = steps;
}

/// What `work` counts.
#[cfg(test)]
pub(crate) fn of(work: impl FnOnce()) -> usize {
    let before = STEPS.get();
    work();
    STEPS.get() - before
}

#[cfg(test)]
mod tests {
    use super::hostile_text::hostile;

    /// Ten times the length takes ten times the steps, and few steps a byte.
    #[test]
    fn hostile_texts_take_steps_linear_in_their_length() {
        let (small, large) = (hostile(100), hostile(1_000));
        for (short, long) in small.iter().zip(&large) {
            let [first, second] =
                [short, long].map(|case| super::of(|| drop(case.decode())) as f64);
            let growth = long.text.len() as f64 / short.text.len() as f64;
            let name = long.name;
            assert!(
                second <= first * growth * 1.1 + 100.0,
                "{name}: {growth} times the length took {first} and {second} steps"
            );
            assert!(
                second <= 12.0 * long.text.len() as f64,
                "{name}: {second} steps for {} bytes",
                long.text.len()
            );
            // Else nothing was counted.
            assert!(second >= 1.0, "{name}");
        }
    }
}
