//! From the bytes of an answer to runs: typed and lenient, or by walking a tree of `serde_json::Value`.
//!
//! The exporter's way does what the other does not: it tells a malformed value from a missing one, looks for an error
//! in the envelope first, and counts the lines of SCF's logs.

use crate::{answers, walking};
use divan::Bencher;
use taskrun_exporter::model::Zone;
use taskrun_exporter::sources::{scf, tat, wedata};

#[divan::bench_group]
mod tat_100_invocations {
    use super::*;

    #[divan::bench]
    fn exporter(bencher: Bencher<'_, '_>) {
        let body = answers::invocations();
        let read = || tat::Page::read(&body).unwrap().runs();
        walking::agree(&walking::invocations(&body), &read());
        bencher.bench(read);
    }

    #[divan::bench]
    fn value_walk(bencher: Bencher<'_, '_>) {
        let body = answers::invocations();
        bencher.bench(|| walking::invocations(&body));
    }
}

#[divan::bench_group]
mod tat_100_tasks {
    use super::*;

    #[divan::bench]
    fn exporter(bencher: Bencher<'_, '_>) {
        let page = tat::Page::read(&answers::invocations()).unwrap();
        let body = answers::tasks();
        let read = || page.finished(&body).unwrap();
        walking::agree(&walking::tasks(&body), &read());
        bencher.bench(read);
    }

    #[divan::bench]
    fn value_walk(bencher: Bencher<'_, '_>) {
        let body = answers::tasks();
        bencher.bench(|| walking::tasks(&body));
    }
}

#[divan::bench_group]
mod wedata_200_instances {
    use super::*;

    #[divan::bench]
    fn exporter(bencher: Bencher<'_, '_>) {
        let (body, zone) = (answers::instances(), Zone::east8());
        let read = || wedata::Page::read(&body, &zone).unwrap();
        walking::agree(&walking::instances(&body), read().runs());
        bencher.bench(read);
    }

    #[divan::bench]
    fn value_walk(bencher: Bencher<'_, '_>) {
        let body = answers::instances();
        bencher.bench(|| walking::instances(&body));
    }
}

#[divan::bench_group]
mod scf_500_rows {
    use super::*;

    #[divan::bench]
    fn exporter(bencher: Bencher<'_, '_>) {
        let body = answers::logs();
        let read = || scf::Page::read(&body, answers::FUNCTION).unwrap();
        walking::agree(&walking::logs(&body), read().runs());
        bencher.bench(read);
    }

    #[divan::bench]
    fn value_walk(bencher: Bencher<'_, '_>) {
        let body = answers::logs();
        bencher.bench(|| walking::logs(&body));
    }
}
