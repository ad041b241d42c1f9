import Formats
import Graphs
import Kernels
import Operators
import Runtime
import Tensors

/// `dlrun bench --kernels`: every kernel family at sizes of real networks.
struct KernelBench {
  struct Row {
    let item: KernelCase
    let kernel: String
    /// Nanoseconds.
    let least: Double
    let median: Double
    let multiplyAdds: Int
    let bytes: Int
    /// Operations, or bytes, a nanosecond at the least time: 10^9 a second.
    var gigaflops: Double { Double(2 * multiplyAdds) / max(1, least) }
    var gigabytes: Double { Double(bytes) / max(1, least) }
  }

  let peak: MachinePeak
  private(set) var rows: [Row] = []

  /// Measures the cases whose family or title holds `filter`, in any case of letters.
  ///
  /// Errors: `.usage` where no case does; those of the runs.
  init(_ options: SessionOptions, filter: String?) throws(EngineError) {
    let wanted = filter?.lowercased()
    let cases = KernelCase.all.filter { c in
      wanted.map { "\(c.family) \(c.title)".lowercased().contains($0) } ?? true
    }
    guard !cases.isEmpty else {
      let families = Set(KernelCase.all.map(\.family)).sorted().joined(separator: ", ")
      throw EngineError(
        .usage, "--filter names no kernel: '\(filter ?? "")'", expected: "a part of \(families)")
    }
    let threads = options.threads ?? ThreadPool.defaultThreadCount
    peak = MachinePeak(threads == 1 ? .single : ThreadPool(threads: threads))
    var progress = Progress()
    for (i, item) in cases.enumerated() {
      progress.show("\(i + 1) of \(cases.count): \(item.family), \(item.title)")
      do throws(EngineError) {
        rows.append(try measure(item, options))
      } catch { throw error.at(node: "\(item.family), \(item.title)") }
    }
    progress.clear()
  }

  /// Runs for about a tenth of a second, at least ten times.
  private func measure(
    _ item: KernelCase, _ options: SessionOptions
  ) throws(EngineError) -> Row {
    let (session, values) = try item.session(options)
    let start = nanoseconds()
    for _ in 0..<3 { _ = try session.run(values: values) }
    let each = max(1, Int(nanoseconds() - start) / 3)
    let runs = min(2000, max(10, 100_000_000 / each))
    let times = try LayerTimes(session, values, runs: runs, peak: peak, profiler: Profiler())
    // A composite runs as several kernels; they count together.
    let least = times.rows.reduce(0) { $0 + $1.minimum }
    return Row(
      item: item, kernel: times.rows.map(\.event.kernel).joined(separator: " + "), least: least,
      median: times.rows.reduce(0) { $0 + $1.median },
      multiplyAdds: times.rows.reduce(0) { $0 + ($1.event.call?.multiplyAdds ?? 0) },
      bytes: times.rows.reduce(0) { $0 + ($1.event.call?.bytesMoved ?? 0) })
  }

  private func share(_ r: Row) -> (value: Double, isCompute: Bool) {
    let compute = r.gigaflops * 1e9 / max(1, peak.operationsPerSecond(ofKernel: r.kernel))
    let memory = r.gigabytes * 1e9 / max(1, peak.bytesPerSecond)
    return r.multiplyAdds > 0 && (compute >= memory || compute > 0.25)
      ? (compute, true) : (memory, false)
  }

  var text: String {
    var table = Table(
      ["family", "size", "us", "median", "GF/s", "GB/s", "peak", "kernel"], right: [2, 3, 4, 5, 6])
    for r in rows {
      let (value, isCompute) = share(r)
      table.add([
        r.item.family, r.item.title, fixed(r.least / 1e3, 2), fixed(r.median / 1e3, 2),
        r.multiplyAdds > 0 ? fixed(r.gigaflops, 1) : "", fixed(r.gigabytes, 1),
        fixed(value * 100, 0) + (isCompute ? "%c" : "%m"), r.kernel,
      ])
    }
    return """
      \(InstructionSet.current), peak \(fixed(peak.flopsPerSecond / 1e9, 0)) GFLOP/s, \
      \(fixed(peak.byteOperationsPerSecond / 1e9, 0)) on bytes (c: share of it), \(fixed(peak.bytesPerSecond / 1e9, 1)) GB/s copied beyond the caches (m: share of it)
      Least times; Winograd's operations are counted as those of the direct sum.


      """ + table.text
  }

  var json: JSONValue {
    .array(
      rows.map { r in
        let (value, isCompute) = share(r)
        return [
          "family": .string(r.item.family), "size": .string(r.item.title),
          "kernel": .string(r.kernel), "min_us": .double(r.least / 1e3),
          "median_us": .double(r.median / 1e3), "multiply_adds": .int(Int64(r.multiplyAdds)),
          "bytes_moved": .int(Int64(r.bytes)), "gflops": .double(r.gigaflops),
          "gigabytes_per_second": .double(r.gigabytes), "share_of_peak": .double(value),
          "bound": .string(isCompute ? "compute" : "memory"),
        ]
      })
  }
}
