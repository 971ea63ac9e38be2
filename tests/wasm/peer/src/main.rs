//! The module reader, the code scan and the rewriter of src/wasm beside wasmparser, the parser of
//! the engine, in one process on the same bytes.
//!
//!   wasm-peer [--cases N] [--seed S]
//!
//! Walks over all opcodes, then runs N cases. A case is a module by wasm-smith and mutations of it;
//! it depends on its seed alone. `--seed S` runs the case S and nothing else.

mod generate;
mod mutate;
mod ours;
mod random;
mod rewriting;
mod theirs;
mod walk;

use std::collections::BTreeSet;
use std::process::ExitCode;

use random::Random;
use theirs::{ENGINE, Module, STRICT};

const CASES: u64 = 8000;
const MUTANTS: usize = 16; // of each module

#[derive(Default)]
struct Totals {
    modules: u64,
    modules_strict: u64, // valid with the engine's features and external references
    modules_engine: u64, // valid with the engine's features
    modules_more: u64,   // invalid for the engine, taken and agreed on
    mutants: u64,
    mutants_strict: u64,
    rewritten: u64,
    refused: u64, // by the rewriter, for a reason
    operators: BTreeSet<&'static str>,
    proposals: BTreeSet<&'static str>,
}

fn first_difference(ours: &str, theirs: &str) -> String {
    for (a, b) in ours.lines().zip(theirs.lines()) {
        if a != b {
            return format!("\"{a}\" here, \"{b}\" for wasmparser");
        }
    }
    format!(
        "{} lines here, {} for wasmparser",
        ours.lines().count(),
        theirs.lines().count()
    )
}

/// A module of any features. What wasmparser takes with the engine's must be taken here; what is
/// taken here must be described alike. True when it is valid.
fn check(wasm: &[u8], totals: &mut Totals) -> Result<bool, String> {
    let ours = ours::describe(wasm);
    let is_strict = theirs::is_valid(wasm, STRICT).is_ok();
    if !is_strict {
        let all = wasmparser::WasmFeatures::all();
        if let (Ok(ours), Ok(())) = (&ours, theirs::is_valid(wasm, all)) {
            let theirs = Module::read(wasm, all)
                .map_err(|e| e.to_string())?
                .describe();
            if *ours != theirs {
                return Err(first_difference(ours, &theirs));
            }
            totals.modules_more += 1;
        }
        if ours.is_ok() {
            for restorable in ours::RESTORABLES {
                let _ = ours::rewrite(wasm, restorable); // must not crash
            }
        }
        return Ok(false);
    }
    let module = Module::read(wasm, STRICT).map_err(|e| e.to_string())?;
    if module.imports_exact_func {
        return ours.map_or(Ok(false), |_| {
            Err("an exact function import is taken".into())
        });
    }
    let ours = ours.map_err(|why| format!("refused: {why}"))?;
    let theirs = module.describe();
    if ours != theirs {
        return Err(first_difference(&ours, &theirs));
    }
    let is_engine = theirs::is_valid(wasm, ENGINE).is_ok();
    totals.modules_engine += is_engine as u64;
    if rewriting::check(wasm, &module, STRICT)? {
        totals.rewritten += 1;
        if is_engine {
            rewriting::check(wasm, &module, ENGINE)?;
        }
    } else {
        totals.refused += 1;
    }
    totals.operators.extend(&module.operators);
    totals.proposals.extend(&module.proposals);
    Ok(true)
}

/// Keep the module for a look at it.
fn report(seed: u64, what: &str, wasm: &[u8], why: &str) -> String {
    let path = std::env::temp_dir().join(format!("wasm-peer-{seed}.wasm"));
    let kept = match std::fs::write(&path, wasm) {
        Ok(()) => format!("the module is {}", path.display()),
        Err(_) => "the module could not be kept".into(),
    };
    format!("seed {seed}, {what}: {why}\n{kept}; repeat with --seed {seed}")
}

fn run_case(seed: u64, totals: &mut Totals) -> Result<(), String> {
    let mut random = Random::new(seed);
    let with_more = random.one_in(4);
    let Some(wasm) = generate::generate(&mut random, with_more) else {
        return Ok(());
    };
    let other = generate::generate(&mut random, false).unwrap_or_default();
    totals.modules += 1;
    let is_valid = check(&wasm, totals).map_err(|why| report(seed, "module", &wasm, &why))?;
    totals.modules_strict += is_valid as u64;
    let features = if is_valid {
        STRICT
    } else {
        wasmparser::WasmFeatures::all()
    };
    let Ok(module) = Module::read(&wasm, features) else {
        return Ok(());
    };
    for number in 0..MUTANTS {
        let mutant = mutate::mutate(&wasm, &module, &other, &mut random);
        let what = format!("mutant {number}");
        let is_valid = check(&mutant, totals).map_err(|why| report(seed, &what, &mutant, &why))?;
        totals.mutants += 1;
        totals.mutants_strict += is_valid as u64;
    }
    Ok(())
}

fn print_totals(totals: &Totals) {
    let t = totals;
    println!("{} modules, {} of them valid", t.modules, t.modules_strict);
    println!("{} mutants, {} of them valid", t.mutants, t.mutants_strict);
    println!(
        "{} of these modules and mutants valid for the engine",
        t.modules_engine
    );
    println!(
        "{} invalid for it, taken and described alike",
        t.modules_more
    );
    println!(
        "{} rewritten for each verdict, {} refused with a reason",
        t.rewritten, t.refused
    );
}

/// The instructions of the engine's features that no valid module had.
fn missing(totals: &Totals) -> Vec<&'static str> {
    let enabled = theirs::OPERATORS
        .iter()
        .filter(|(proposal, _)| theirs::is_enabled(proposal));
    // A select of several types is decoded and never valid.
    let possible = enabled
        .map(|o| o.1)
        .filter(|&name| name != "TypedSelectMulti");
    possible
        .filter(|name| !totals.operators.contains(name))
        .collect()
}

/// So few valid modules would prove little.
fn check_totals(totals: &Totals, cases: u64) -> Result<(), String> {
    print_totals(totals);
    let missing = missing(totals);
    println!("instructions that no valid module had: {missing:?}");
    if cases < CASES {
        return Ok(());
    }
    if let Some(odd) = totals
        .proposals
        .iter()
        .find(|proposal| !theirs::is_enabled(proposal))
    {
        return Err(format!("a valid module has instructions of {odd}"));
    }
    let enough = [
        ("valid modules", totals.modules_strict, cases / 3),
        ("valid mutants", totals.mutants_strict, totals.mutants / 10),
        ("modules valid for the engine", totals.modules_engine, cases),
        ("rewritten modules", totals.rewritten, cases),
        ("refused rewrites", totals.refused, cases / 400),
        (
            "modules of other features",
            totals.modules_more,
            cases / 100,
        ),
    ];
    for (what, found, least) in enough {
        if found < least {
            return Err(format!(
                "only {found} {what}, expected {least}: the test proves little"
            ));
        }
    }
    if !missing.is_empty() {
        return Err("some instructions were never met".into());
    }
    Ok(())
}

fn run(cases: u64, seed: Option<u64>) -> Result<(), String> {
    let mut totals = Totals::default();
    if let Some(seed) = seed {
        run_case(seed, &mut totals)?;
        print_totals(&totals);
        return Ok(());
    }
    let (known, shapes) = walk::walk()?;
    println!("{known} instructions, {shapes} forms of them, and every other opcode: alike");
    for seed in 0..cases {
        run_case(seed, &mut totals)?;
    }
    check_totals(&totals, cases)
}

fn main() -> ExitCode {
    let (mut cases, mut seed) = (CASES, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(option) = arguments.next() {
        match (
            option.as_str(),
            arguments.next().and_then(|value| value.parse().ok()),
        ) {
            ("--cases", Some(value)) => cases = value,
            ("--seed", Some(value)) => seed = Some(value),
            _ => {
                eprintln!("usage: wasm-peer [--cases N] [--seed S]");
                return ExitCode::from(2);
            }
        }
    }
    match run(cases, seed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("{why}");
            ExitCode::FAILURE
        }
    }
}
