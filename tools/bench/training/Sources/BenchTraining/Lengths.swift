import DLTrain

/// Seconds a character of a compiled character LSTM: sequences of one length, and of random ones.
///
/// Steps of random lengths make their plans on the way; nothing is captured or compiled again.
func randomLengths(_ count: Int, threads: Int) throws -> (fixed: Double, random: Double) {
  let batch = 16
  let workload = Workload.characters(batch: batch, steps: 64)
  let net = try workload.make()
  let names: [String?] = ["batch", "time"]
  let whole = try Workload.characters(batch: batch, steps: 112).batch(0)
  func cut(_ steps: Int) throws -> [Tensor] {
    try whole.map { try $0.slice(1, from: 0, to: steps) }
  }
  let step = try CompiledStep(
    net, Optimizer(net, .torch.adam()), example: cut(64), symbols: [names, names],
    threads: threads, loss: workload.loss)
  let lengths = (0..<count).map { 16 + Int(Draws.bits(3_000_000, $0) >> 33) % 97 }
  var table: [Int: [Tensor]] = [:]
  for n in Set(lengths + [64]) { table[n] = try cut(n) }
  func seconds(_ lengths: [Int]) throws -> Double {
    let start = Clock.processor()
    for n in lengths { if let batch = table[n] { try step(batch) } }
    return Double(Clock.processor() - start) * 1e-9 / Double(lengths.reduce(0, +) * batch)
  }
  let fixed = [Int](repeating: 64, count: count / 4)
  _ = try seconds(fixed)
  return (try seconds(fixed), try seconds(lengths))
}
