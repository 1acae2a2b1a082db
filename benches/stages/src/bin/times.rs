//! Times of each stage, for optimisation work: `cargo run --release -p stages --bin times`.
//!
//! CI checks the number of instructions instead (`cargo run --release -p stages --bin
//! instructions`): times differ between machines and from minute to minute. Each figure is the
//! median of all batches; beside it is the fastest batch, the cost when nothing else runs.

use std::hint::black_box;
use std::time::{Duration, Instant};

use stages::{Scene, Stage};

const BATCHES: usize = 200;
const RUNS: usize = 100;

fn main() {
    let scene = Scene::new();
    println!("{:<8} {:>10} {:>10}", "stage", "median us", "best us");
    for stage in Stage::ALL {
        let mut times: Vec<_> = (0..BATCHES).map(|_| time(&scene, stage)).collect();
        times.sort();
        println!("{:<8} {:>10.2} {:>10.2}", stage.code(), micros(times[BATCHES / 2]), micros(times[0]));
    }
}

fn micros(batch: Duration) -> f64 {
    batch.as_secs_f64() * 1e6 / RUNS as f64
}

/// Time of a batch. The input of the stage is made before the measurement.
fn time(scene: &Scene, stage: Stage) -> Duration {
    let asked = || scene.decide(scene.question());
    let found = || scene.resolve(asked());
    match stage {
        Stage::Read => time_batch(|| (), |()| scene.request()),
        Stage::Decide => time_batch(|| scene.question(), |question| scene.decide(question)),
        Stage::Resolve => time_batch(asked, |permitted| scene.resolve(permitted)),
        Stage::Record => time_batch(found, |resolved| scene.record(resolved)),
        Stage::Write => {
            let answer = scene.record(found());
            time_batch(|| (), |()| scene.write(&answer))
        }
        Stage::Verify => time_batch(|| (), |()| scene.verify()),
        Stage::Whole => time_batch(|| (), |()| scene.run_all()),
    }
}

fn time_batch<T, U>(make: impl Fn() -> T, stage: impl Fn(T) -> U) -> Duration {
    let inputs: Vec<_> = (0..RUNS).map(|_| make()).collect();
    let began = Instant::now();
    for input in inputs {
        black_box(stage(black_box(input)));
    }
    began.elapsed()
}
