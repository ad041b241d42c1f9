import DLTrain

/// The commands of the benchmark's driver, one a line, each answered by a line of JSON:
///
///     open WORKLOAD eager|compiled THREADS    the model, its data, and the first step
///     losses N                                the losses of N steps
///     turn SECONDS LEAST MOST                 steps until time is over: [wall, processor] ns each
///     operators N | lengths N THREADS
struct Commands {
  private var engine: Engine?
  private var threads = 1

  func opened() throws -> Engine {
    guard let engine else { throw EngineError(.usage, "no workload is open") }
    return engine
  }

  mutating func answer(_ words: [Substring]) throws -> String {
    func number(_ i: Int) throws -> Double {
      guard i < words.count, let n = Double(words[i]) else {
        throw EngineError(.usage, "argument \(i) of \(words[0]) is no number")
      }
      return n
    }
    switch words.first {
    case "open" where words.count == 4:
      threads = Int(try number(3))
      let start = Clock.wall()
      let made = try Engine(String(words[1]), isCompiled: words[2] == "compiled", threads: threads)
      let ready = Clock.wall()
      let loss = try inThreads { try made.step() }
      engine = made
      let seconds = (Double(ready - start) * 1e-9, Double(Clock.wall() - ready) * 1e-9)
      return "{\"open_s\": \(seconds.0), \"first_s\": \(seconds.1), \"loss\": \(loss)}"
    case "losses":
      let list = try inThreads {
        try (0..<Int(try number(1))).map { _ in try opened().step() }
      }
      return "{\"losses\": \(list)}"
    case "turn":
      let (seconds, least, most) = (try number(1), Int(try number(2)), Int(try number(3)))
      let engine = try opened()
      var samples: [[Int]] = []
      try inThreads {
        _ = try engine.step()
        let end = Clock.wall() + Int(seconds * 1e9)
        while samples.count < least || (samples.count < most && Clock.wall() < end) {
          let (used, start) = (Clock.processor(), Clock.wall())
          _ = try engine.step()
          samples.append([Clock.wall() - start, Clock.processor() - used])
        }
      }
      return "{\"samples\": \(samples)}"
    case "operators":
      let (recorded, whole) = try smallOperators(Int(try number(1)))
      return "{\"recorded_ns\": \(recorded), \"whole_ns\": \(whole)}"
    case "lengths":
      let (fixed, random) = try randomLengths(Int(try number(1)), threads: Int(try number(2)))
      return "{\"fixed_s\": \(fixed), \"random_s\": \(random)}"
    default: throw EngineError(.usage, "unknown command", received: words.joined(separator: " "))
    }
  }

  func inThreads<R>(_ body: () throws -> R) throws -> R {
    threads > 1 ? try withThreads(threads, body) : try body()
  }
}
