//! Cells that come and go with the configuration and the source: shown while they are there, never counted twice.

use crate::rig::{Rig, source};
use taskrun_exporter::model::{Desk as _, Label};

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_is_gone_is_not_shown_and_comes_back_with_its_counts() {
    let rig = Rig::start(&source("scf"), 3).await;
    assert!(rig.poll().await);
    let runs = |rig: &Rig, project: &str| rig.page().sum("taskrun_runs_total", &[("project", project)]);
    let up = |rig: &Rig, project: &str| {
        rig.page().of("taskrun_source_up").any(|up| up.label("project") == project)
    };
    let before = runs(&rig, "etl");
    assert!(before > 0.0 && runs(&rig, "default") > 0.0);

    let all: Vec<_> = rig.keeper.published().cells.iter().map(|status| status.cell.clone()).collect();
    let found = all.iter().filter(|cell| cell.project != Label::new("etl")).cloned().collect();
    rig.keeper.keep_only(&all[0], found).await.unwrap();
    assert_eq!(runs(&rig, "etl"), 0.0);
    assert!(!up(&rig, "etl") && up(&rig, "default"));

    assert!(rig.poll().await);
    assert_eq!(runs(&rig, "etl"), before, "what was counted is not counted again");
    assert!(up(&rig, "etl"));
}
