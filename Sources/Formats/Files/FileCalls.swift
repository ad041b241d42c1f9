import Glibc

/// The system calls that saving uses, so that tests can let each of them fail.
struct FileCalls: Sendable {
  var open: @Sendable (String, Int32, mode_t) -> Int32 = { Glibc.open($0, $1, $2) }
  var write: @Sendable (Int32, UnsafeRawPointer, Int) -> Int = { Glibc.write($0, $1, $2) }
  var sync: @Sendable (Int32) -> Int32 = { Glibc.fsync($0) }
  var close: @Sendable (Int32) -> Int32 = { Glibc.close($0) }
  var rename: @Sendable (String, String) -> Int32 = { Glibc.rename($0, $1) }
  var unlink: @Sendable (String) -> Int32 = { Glibc.unlink($0) }
}
