/// Whether checksums found in files must be right.
package enum SumCheck {
  /// Whether `computed` is what the file states.
  ///
  /// Builds for fuzzing (`-D FUZZING`, `tools/fuzz/readers`) take any sum, so that changed files get
  /// past it to the reader behind.
  package static func agree(_ computed: UInt32, _ stated: UInt32) -> Bool {
    #if FUZZING
      return true
    #else
      return computed == stated
    #endif
  }
}
