import DLTrain
import Foundation
import Testing

/// Regressions of the same network as Keras', with the same preparation, over forty seeds and ten: the mean
/// error is no larger. Keras' figures are of `tools/oracle/training/regression_figures.py`, which says all
/// settings.
@Suite struct RegressionTests {
  struct Rows {
    var x: [[Float]]
    var y: [Float]
  }
  struct Setting {
    let sizes: [Int]
    let batch: Int
    let epochs: Int
    let chosen: Int
    let decay: Double
    let patience: Int
  }

  private static func figures() throws -> [String: Any] {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/regressions.json")
    return try #require(
      JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
  }

  /// The generator of the script, number by number.
  static func homes(_ count: Int) -> Rows {
    var state: UInt64 = 7
    func draw() -> Double {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return Double((z ^ (z >> 31)) >> 11) * 0x1p-53
    }
    var rows = Rows(x: [], y: [])
    for _ in 0..<count {
      let u = (0..<10).map { _ in draw() }
      let tail = u[8] * u[8] * (u[8] * u[8])
      let income = 0.5 + 14.5 * u[0] * u[0] * u[0]
      let age = 1 + 51 * u[1]
      let rooms = 3 + 5 * u[2] + 20 * tail * tail
      let people = 50 + 3000 * u[4] * u[4] * u[4]
      let household = 1.5 + 3 * u[5] * u[5]
      let (north, east) = (32.5 + 9.5 * u[6], -124.3 + 10 * u[7])
      let bay = 1 / (1 + (east + 122) * (east + 122) + (north - 37) * (north - 37))
      let south = 0.8 / (1 + (east + 118) * (east + 118) + (north - 34) * (north - 34))
      var price = 0.4 * income / (1 + 0.04 * income)
      price += 1.2 * (bay + south) * (1 + 0.1 * income)
      price += 0.004 * age - 0.25 * (household - 2.5)
      price += 0.05 * (rooms - 5) / (1 + 0.1 * abs(rooms - 5))
      rows.x.append(
        [income, age, rooms, 0.9 + 0.3 * u[3], people, household, north, east].map { Float($0) })
      rows.y.append(Float(min(5, max(0.15, price * (0.8 + 0.4 * u[9])))))
    }
    return rows
  }

  private static func table(_ name: String) throws -> Rows {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent()
    let file = tests.appending(path: "RecipesTests/Fixtures/\(name)")
    var rows = Rows(x: [], y: [])
    for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n").dropFirst() {
      let cells = line.split(separator: ",").compactMap { Float($0) }
      rows.x.append(Array(cells.dropLast()))
      rows.y.append(try #require(cells.last))
    }
    return rows
  }

  /// The root of the mean squared error on held-out rows.
  private static func error(
    _ train: Rows, _ held: Rows, _ s: Setting, seed: UInt64
  ) throws -> Double {
    setSeed(seed)
    let order = randomPermutation(train.x.count)
    let (choose, seen) = (order[..<s.chosen], order[s.chosen...])
    func part(_ rows: Rows, _ numbers: some Collection<Int>) throws -> (Tensor, Tensor) {
      (try Tensor(numbers.map { rows.x[$0] }), try Tensor(numbers.map { [rows.y[$0]] }))
    }
    let (x, y) = try part(train, seen)
    let (mean, deviation) = (try x.mean(axes: [0]), try x.standardDeviation(axes: [0]))
    let (level, spread) = (try y.mean(), try y.standardDeviation())
    func scaled(_ p: (Tensor, Tensor)) throws -> (Tensor, Tensor) {
      (try (p.0 - mean) / deviation, try (p.1 - level) / spread)
    }
    let model = try Sequential(input: [train.x[0].count]) {
      for n in s.sizes { Dense(n, activation: .relu) }
      Dense(1)
    }
    let steps = s.epochs * ((seen.count + s.batch - 1) / s.batch)
    model.compile(
      optimizer: .keras.adamW(weightDecay: s.decay), loss: .meanSquaredError,
      schedule: .cosineDecay(3e-3, steps: steps, alpha: 0.01), threads: 1)
    let (sx, sy) = try scaled((x, y))
    let (cx, cy) = try scaled(part(train, choose))
    try model.fit(
      sx, sy, epochs: s.epochs, batchSize: s.batch, validation: .data(cx, cy),
      callbacks: [EarlyStopping(patience: s.patience)])
    let (hx, hy) = try part(held, held.x.indices)
    let said = try model.predict((hx - mean) / deviation, batchSize: 256) * spread + level
    return try said.squaredDifference(hy).mean().squareRoot().scalar()
  }

  private func compare(_ name: String, _ train: Rows, _ held: Rows, _ setting: Setting) throws {
    let wanted = try #require(Self.figures()[name] as? [Double])
    let got = try (0..<UInt64(wanted.count)).map { try Self.error(train, held, setting, seed: $0) }
    func mean(_ list: [Double]) -> Double { list.reduce(0, +) / Double(list.count) }
    func spread(_ list: [Double]) -> Double {
      let m = mean(list)
      let squares: [Double] = list.map { ($0 - m) * ($0 - m) }
      return (squares.reduce(0, +) / Double(list.count - 1)).squareRoot()
    }
    print("\(name): \(mean(got)) +- \(spread(got)), Keras \(mean(wanted)) +- \(spread(wanted))")
    // The difference of two means of as many draws, by twice its own deviation.
    let variance = (spread(got) * spread(got) + spread(wanted) * spread(wanted)) / Double(got.count)
    let bound: Double = mean(wanted) + 2 * variance.squareRoot()
    #expect(mean(got) <= bound)
  }

  @Test func diabetes() throws {
    try compare(
      "diabetes", Self.table("diabetes_train.csv"), Self.table("diabetes_test.csv"),
      Setting(sizes: [32, 16], batch: 8, epochs: 200, chosen: 53, decay: 0.1, patience: 40))
  }

  @Test func homes() throws {
    let all = Self.homes(4000)
    let checks = try #require(Self.figures()["checks"] as? [Double])
    for (a, b) in zip([all.x[17][0], all.x[99][7], all.y[5], all.y[3999]], checks) {
      #expect(abs(Double(a) - b) < 1e-5)
    }
    try compare(
      "homes", Rows(x: Array(all.x[..<3200]), y: Array(all.y[..<3200])),
      Rows(x: Array(all.x[3200...]), y: Array(all.y[3200...])),
      Setting(sizes: [64, 32], batch: 32, epochs: 40, chosen: 320, decay: 0.01, patience: 10))
  }
}
