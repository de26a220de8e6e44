#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| taskrun_exporter::fuzzing::run("credentials", bytes));
