//! The model checks: all interleavings of the protocols between threads, up to a bound.
//!
//! `RUSTFLAGS="--cfg model_check" CARGO_TARGET_DIR=target/model-check cargo test --release -p
//! effective-thread-pool --test model_check`. The models are in `src/model_check/`.
#![cfg(model_check)]

macro_rules! test {
    ($($file:ident { $($model:ident,)* })*) => {
        $(mod $file {
            $(
                #[test]
                fn $model() {
                    effective_thread_pool::model_check::$model();
                }
            )*
        })*
    };
}
effective_thread_pool::all_models!(test);
