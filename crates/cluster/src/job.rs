//! [`Job`]: a function that another machine can call by name.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A function with a name, so that another machine can call it. Input and output travel as bytes.
///
/// [`job!`](crate::job!) implements it. Implement it by hand to choose the name: one that does not
/// change when the function moves to another module, and that tells versions apart.
///
/// ```
/// use effective_cluster::Job;
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
    /// The name, unique among the jobs that are registered together.
    const NAME: &'static str;
    /// The type of the input.
    type Input: Serialize + DeserializeOwned;
    /// The type of the output.
    type Output: Serialize + DeserializeOwned;

    /// Runs the job, on a thread of a worker, or of this process with
    /// [`Cluster::local`](crate::Cluster::local).
    fn run(input: Self::Input) -> Self::Output;
}

/// Makes each function a [`Job`]: a type with the name of the function, which stays callable.
///
/// The job's name is the module path and the function's name. One argument is the input itself,
/// several are a tuple, none is `()`. Functions nested in functions have only the module's path, so
/// two of the same name in one module clash.
///
/// ```
/// use effective_cluster::{Job, job};
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
