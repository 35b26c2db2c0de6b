//! How all benchmarks measure.

#![allow(dead_code, reason = "no benchmark needs all of it")]

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, Throughput};
use rustix::time::{ClockId, clock_gettime};

/// CPU time of the thread: what other programs do on the machine does not count.
pub(crate) struct ThreadTime;

impl Measurement for ThreadTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
    }

    fn end(&self, start: Duration) -> Duration {
        self.start() - start
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// How often some work takes the time of other work. Both are done by turns, since a shared
/// machine changes its speed from one second to the next.
pub(crate) struct Ratio;

/// Turns in a sample, and the least time of one, beside which reading the clock takes none.
const TURNS: u64 = 8;
const TURN: Duration = Duration::from_micros(60);

impl Ratio {
    /// For `iter_custom`: the ratio of `work` to `unit`, times `iterations`.
    pub(crate) fn of<T, U>(
        iterations: u64,
        mut work: impl FnMut() -> T,
        mut unit: impl FnMut() -> U,
    ) -> f64 {
        let work_count = enough(&mut work).max(iterations / TURNS);
        let unit_count = enough(&mut unit);
        let (mut work_time, mut unit_time) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..TURNS {
            unit_time += turn(unit_count, &mut unit);
            work_time += turn(work_count, &mut work);
        }
        let one = |time: Duration, count: u64| time.as_nanos() as f64 / count as f64;
        one(work_time, work_count) / one(unit_time, unit_count) * iterations as f64
    }
}

/// How often some work must be done to fill a turn.
fn enough<T>(work: &mut impl FnMut() -> T) -> u64 {
    let mut count = 1;
    while turn(count, work) < TURN {
        count *= 2;
    }
    count
}

fn turn<T>(count: u64, work: &mut impl FnMut() -> T) -> Duration {
    let start = ThreadTime.start();
    for _ in 0..count {
        black_box(work());
    }
    ThreadTime.end(start)
}

impl Measurement for Ratio {
    type Intermediate = ();
    type Value = f64;

    fn start(&self) {}

    /// Benchmarks measure with [`Ratio::of`].
    fn end(&self, (): ()) -> f64 {
        0.0
    }

    fn add(&self, one: &f64, other: &f64) -> f64 {
        one + other
    }

    fn zero(&self) -> f64 {
        0.0
    }

    fn to_f64(&self, value: &f64) -> f64 {
        *value
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        self
    }
}

impl ValueFormatter for Ratio {
    fn scale_values(&self, _: f64, _: &mut [f64]) -> &'static str {
        "times"
    }

    fn scale_throughputs(&self, _: f64, _: &Throughput, _: &mut [f64]) -> &'static str {
        "times"
    }

    fn scale_for_machines(&self, _: &mut [f64]) -> &'static str {
        "times"
    }
}

/// Short runs of many benchmarks.
pub(crate) fn criterion<M: Measurement + 'static>(measurement: M) -> Criterion<M> {
    Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500))
        .sample_size(40)
        .with_measurement(measurement)
}
