//! Instructions of each stage: unlike times, the same number on every machine.
//!
//! `cargo run --release -p stages --bin instructions` runs each stage under valgrind, prints its
//! instructions beside the committed figure (`benches/stages/instructions.csv`), and fails if a
//! stage has grown by more than 10 %. With `-- --write` it writes the figures: do that in the
//! commit that explains them. Without valgrind it prints a message, and fails if `CI` is set.
//!
//! The figures are valid for release builds on x86-64 with AVX2, which valgrind offers on any
//! machine of the last ten years. The C library is configured to ignore newer features of the
//! processor.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use stages::{Scene, Stage};

/// Counted runs per process, after as many runs that are not counted.
const RUNS: u64 = 50;
/// Maximum growth in per cent: compilers and libraries change a figure by less, a needless copy or
/// lookup by more.
const GROWTH: u64 = 10;
/// Features of the processor that the C library must ignore.
const PLAIN: &str = "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-ERMS,-FSRM,-RTM";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => check(),
        ["--write"] => write(),
        [word] => match Stage::parse(word) {
            Some(stage) => {
                run(stage);
                ExitCode::SUCCESS
            }
            None => usage(),
        },
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("cargo run --release -p stages --bin instructions [-- --write]");
    ExitCode::from(2)
}

fn figures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.csv")
}

fn is_counted_here() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok()
}

fn check() -> ExitCode {
    if !is_counted_here() {
        eprintln!("valgrind is missing: install it to count instructions");
        return if std::env::var_os("CI").is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    let committed = std::fs::read_to_string(figures()).expect("the committed figures");
    let mut has_grown = false;
    for stage in Stage::ALL {
        let line = committed.lines().find_map(|line| line.strip_prefix(stage.code())?.strip_prefix(','));
        let before: u64 = line.and_then(|figure| figure.parse().ok()).expect("a figure for each stage");
        let now = count(stage);
        let is_over = now * 100 > before * (100 + GROWTH);
        has_grown |= is_over;
        let remark = if is_over { "  GROWN" } else { "" };
        println!("{:<8} {now:>8} instructions, {before:>8} committed{remark}", stage.code());
    }
    if has_grown {
        eprintln!("a stage has grown by more than {GROWTH} %: make it cheaper, or explain it and run with --write");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn write() -> ExitCode {
    let lines = Stage::ALL.map(|stage| format!("{},{}\n", stage.code(), count(stage)));
    std::fs::write(figures(), format!("stage,instructions\n{}", lines.concat())).expect("written");
    ExitCode::SUCCESS
}

/// Instructions of one run of the stage.
fn count(stage: Stage) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*counted_*"])
        .arg(std::env::current_exe().expect("this program"))
        .arg(stage.code())
        .env("GLIBC_TUNABLES", PLAIN)
        .output()
        .expect("valgrind runs");
    let printed = String::from_utf8_lossy(&output.stderr);
    let line = printed.lines().find(|line| line.contains("Collected :")).unwrap_or_else(|| panic!("{printed}"));
    let all: u64 = line.rsplit(':').next().and_then(|count| count.trim().parse().ok()).expect("a number");
    all / RUNS
}

/// The counted function. valgrind finds it by its name, so it is never inlined.
#[inline(never)]
fn counted_run<T, U>(stage: impl Fn(T) -> U, input: T) -> U {
    stage(black_box(input))
}

fn run_often<T, U>(make: impl Fn() -> T, stage: impl Fn(T) -> U) {
    for _ in 0..RUNS {
        drop(black_box(stage(make())));
    }
    for _ in 0..RUNS {
        let input = make();
        drop(black_box(counted_run(&stage, input)));
    }
}

fn run(stage: Stage) {
    let scene = Scene::new();
    match stage {
        Stage::Read => run_often(|| (), |()| scene.request()),
        Stage::Decide => run_often(|| scene.question(), |question| scene.decide(question)),
        Stage::Resolve => run_often(|| scene.decide(scene.question()), |permitted| scene.resolve(permitted)),
        Stage::Record => {
            run_often(|| scene.resolve(scene.decide(scene.question())), |resolved| scene.record(resolved));
        }
        Stage::Write => {
            let answer = scene.record(scene.resolve(scene.decide(scene.question())));
            run_often(|| &answer, |answer| scene.write(answer));
        }
        Stage::Verify => run_often(|| (), |()| scene.verify()),
        Stage::Whole => run_often(|| (), |()| scene.run_all()),
    }
}
