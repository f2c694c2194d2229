//! Reports as tracing events. In a test program of its own, since the default subscriber is global.

mod support;

use std::fmt;
use std::sync::{Arc, Mutex};

use effective_stall_watch::StallWatch;
use support::{THRESHOLD, eventually, within_deadline};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// The level and fields of each event.
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
        // A panicking subscriber must do no harm.
        drop(events);
        panic!("the subscriber panics");
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn reports_are_events_despite_panicking_subscriber() {
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
