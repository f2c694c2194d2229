//! Reports as events. Alone in its program, since the default subscriber is the program's.

mod common;

use std::fmt;
use std::sync::{Arc, Mutex};

use common::{THRESHOLD, eventually, within_deadline};
use effective_stall_watch::StallWatch;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Level and fields of each event.
type Events = Arc<Mutex<Vec<(Level, Vec<(String, String)>)>>>;

struct Collect(Events);

struct Fields(Vec<(String, String)>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push((field.name().to_owned(), format!("{value:?}")));
    }
}

impl Subscriber for Collect {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "stall_watch"
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(Vec::new());
        event.record(&mut fields);
        let mut events = self.0.lock().unwrap();
        events.push((*event.metadata().level(), fields.0));
        // A subscriber that panics, once it has noted the event, must do no harm.
        drop(events);
        panic!("the subscriber panics");
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn each_report_is_an_event_and_a_subscriber_that_panics_does_no_harm() {
    within_deadline(|| {
        let events = Events::default();
        tracing::subscriber::set_global_default(Collect(Arc::clone(&events))).unwrap();
        let silent = StallWatch::new(THRESHOLD).unwrap();
        let watch = StallWatch::builder(THRESHOLD).tracing().build().unwrap();
        let count = || events.lock().unwrap().len();
        watch
            .named("loud")
            .run(|| silent.named("silent").run(|| eventually(|| count() == 1)));
        eventually(|| count() == 2);
        eventually(|| watch.stats().callback_panics == 2);
        let events = events.lock().unwrap();
        assert_eq!((events[0].0, events[1].0), (Level::WARN, Level::INFO));
        for ((_, fields), phase) in events.iter().zip(["Began", "Ended"]) {
            let field = |name: &str| {
                let found = fields.iter().find(|(field, _)| field == name);
                found
                    .unwrap_or_else(|| panic!("{name}: {fields:?}"))
                    .1
                    .clone()
            };
            assert_eq!(field("phase"), phase);
            assert!(field("lasted_ns").parse::<u128>().unwrap() >= THRESHOLD.as_nanos());
            assert!(field("task").contains("`loud`"));
            assert!(field("message").contains("`loud`"));
        }
    });
}
