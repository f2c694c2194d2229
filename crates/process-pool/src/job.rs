use serde::Serialize;
use serde::de::DeserializeOwned;

/// A function with a name, so that another process can be asked to call it: input in, output out, both as bytes on the
/// way.
///
/// [`job!`](crate::job!) writes the implementation. By hand it is for a name of one's own choice, say one that two
/// programs on two machines agree on:
///
/// ```
/// use effective_process_pool::Job;
///
/// struct Area;
///
/// impl Job for Area {
///     const NAME: &'static str = "geometry/area/1";
///     type Input = (f64, f64);
///     type Output = f64;
///
///     fn run((width, height): (f64, f64)) -> f64 {
///         width * height
///     }
/// }
/// assert_eq!(Area::run((2.0, 3.0)), 6.0);
/// ```
pub trait Job: 'static {
    /// The name, which has to be the only one of its kind among the jobs that are registered together.
    const NAME: &'static str;
    /// What the job is given.
    type Input: Serialize + DeserializeOwned;
    /// What it returns.
    type Output: Serialize + DeserializeOwned;

    /// Does the work. In a pool it runs on the main thread of a worker process, or on the thread of the test there.
    fn run(input: Self::Input) -> Self::Output;
}

/// Makes a [`Job`] out of each function: a type of the same name as the function, which stays callable.
///
/// The job is named after its module and itself. One argument is the input, several are a tuple of them, none is `()`.
/// Functions inside of functions have the module's name only, so two of the same name in one module clash.
///
/// ```
/// use effective_process_pool::{Job, job};
///
/// job! {
///     /// How often a letter occurs.
///     pub fn count(text: String, letter: char) -> usize {
///         text.chars().filter(|&found| found == letter).count()
///     }
/// }
///
/// assert_eq!(count("process".to_owned(), 's'), 2);
/// assert_eq!(<count as Job>::run(("process".to_owned(), 's')), 2);
/// assert!(<count as Job>::NAME.ends_with("::count"));
/// ```
#[macro_export]
macro_rules! job {
    () => {};
    (
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident($argument:ident: $input:ty $(,)?) $(-> $output:ty)? $body:block
        $($rest:tt)*
    ) => {
        $(#[$attribute])*
        $visibility fn $name($argument: $input) $(-> $output)? $body
        $crate::job!(@type $visibility $name, ($argument), ($input), $input, $($output)?);
        $crate::job! { $($rest)* }
    };
    (
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident($($argument:ident: $input:ty),* $(,)?) $(-> $output:ty)? $body:block
        $($rest:tt)*
    ) => {
        $(#[$attribute])*
        $visibility fn $name($($argument: $input),*) $(-> $output)? $body
        $crate::job!(@type $visibility $name, ($($argument),*), ($($input),*), ($($input),*), $($output)?);
        $crate::job! { $($rest)* }
    };
    (@type $visibility:vis $name:ident, ($($argument:ident),*), $inputs:tt, $input:ty, $($output:ty)?) => {
        #[doc = concat!("The job of the function `", stringify!($name), "`.")]
        #[allow(non_camel_case_types, reason = "it is named like its function")]
        $visibility struct $name {}

        impl $crate::Job for $name {
            const NAME: &'static str = concat!(module_path!(), "::", stringify!($name));
            type Input = $input;
            type Output = $crate::job!(@output $($output)?);

            fn run(($($argument),*): $input) -> $crate::job!(@output $($output)?) {
                $name($($argument),*)
            }
        }
    };
    (@output) => { () };
    (@output $output:ty) => { $output };
}
