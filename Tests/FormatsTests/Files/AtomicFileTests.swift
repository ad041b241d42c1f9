import Glibc
import Synchronization
import Tensors
import Testing

@testable import Formats

@Suite struct AtomicFileTests {
  /// Which call of a save fails, and how.
  struct Fault: Sendable {
    var call: Int
    var reason: Int32
  }

  /// Calls that work until the one at `fault`, which fails once; writes take a few bytes each.
  func calls(_ fault: Fault?, counted: Atomic64) -> FileCalls {
    @Sendable func fails() -> Bool {
      guard counted.next() == fault?.call else { return false }
      errno = fault?.reason ?? 0
      return true
    }
    let real = FileCalls()
    var c = FileCalls()
    c.open = { fails() ? -1 : real.open($0, $1, $2) }
    c.write = { fails() ? -1 : real.write($0, $1, min($2, 7)) }
    c.sync = { fails() ? -1 : real.sync($0) }
    c.close = { fd in
      // close gives the descriptor back even when it reports an error.
      let failed = fails()
      let status = real.close(fd)
      return failed ? -1 : status
    }
    c.rename = { fails() ? -1 : real.rename($0, $1) }
    return c
  }
  final class Atomic64: Sendable {
    let value = Atomic<Int>(0)
    func next() -> Int { value.wrappingAdd(1, ordering: .relaxed).oldValue }
    var count: Int { value.load(ordering: .relaxed) }
  }

  let old = Array("the old contents".utf8)
  let new = Array("entirely new contents, longer than the old ones".utf8)

  func attempt(_ path: String, _ fault: Fault?) -> (EngineError?, Int) {
    let counted = Atomic64()
    let error = failure {
      let file = try AtomicFile(path, calls: calls(fault, counted: counted))
      try file.write(new)
      try file.commit()
    }
    return (error, counted.count)
  }

  @Test func everyFailingCallLeavesOldOrNew() throws {
    let total: Int = try withFile(old) { path in attempt(path, nil).1 }
    #expect(total >= 10)
    for call in 0..<total {
      try withFolder { folder in
        let path = folder + "/file"
        try save(old, path)
        let (error, _) = attempt(path, Fault(call: call, reason: ENOSPC))
        let found = try contents(of: path)
        #expect(found == old || found == new, "call \(call)")
        // After the rename the new file is in place; only the folder could not be synced.
        if error != nil, call < total - 3 { #expect(found == old, "call \(call)") }
        if error == nil { #expect(found == new, "call \(call)") }
        #expect(names(in: folder) == ["file"], "call \(call) leaves a temporary file")
        if let error { #expect([.io, .cannotCreate].contains(error.code)) }
      }
    }
  }

  @Test func interruptedWritesGoOn() throws {
    try withFolder { folder in
      let (error, _) = attempt(folder + "/file", Fault(call: 2, reason: EINTR))
      #expect(error == nil)
      let found = try contents(of: folder + "/file")
      #expect(found == new)
    }
  }

  @Test func anAbandonedFileLeavesNothing() throws {
    try withFolder { folder in
      do {
        let file = try AtomicFile(folder + "/file")
        try file.write(new)
        #expect(names(in: folder).count == 1)
      }
      #expect(names(in: folder).isEmpty)
    }
  }

  @Test func whoMappedTheOldFileKeepsIt() throws {
    try withFile(old) { path in
      let mapped = try FileBytes(mapping: path, limit: 100)
      try save(new, path)
      #expect(Array(mapped.bytes) == old)
      #expect(try contents(of: path) == new)
    }
  }

  @Test func modesAreKept() throws {
    try withFile(old) { path in
      chmod(path, 0o640)
      try save(new, path)
      var status = stat()
      #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o640)
    }
  }

  @Test func impossibleTargetsAreRefused() {
    #expect(failure { try AtomicFile("/nonexistent/folder/file") }?.code == .cannotCreate)
    #expect(failure { try AtomicFile("/tmp") }?.code == .cannotCreate)
    #expect(failure { try save(new, "/dev/full") }?.code == .io)
    #expect(failure { try save(new, "/dev/null") } == nil)
  }
}
