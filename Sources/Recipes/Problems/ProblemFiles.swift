import DataSets
import Formats
import Glibc
import Tensors

/// Finds out what the files given are, and makes a problem of them.
struct ProblemFiles {
  let config: TrainConfig

  /// - `paths`: a table, an archive, two IDX files (samples, then labels), two `.npy` files, a
  /// text,   or a folder of images or in MNIST's layout. - `held`: files like these to test on.
  func problem(_ paths: [String], held: [String]) throws -> Problem {
    guard let first = paths.first else {
      throw EngineError(.usage, "no data are given", expected: "a file or a folder")
    }
    for path in paths + held where access(path, R_OK) != 0 {
      throw EngineError(
        .inputMissing, "cannot open: \(String(cString: strerror(errno)))",
        subject: .init(file: path))
    }
    let arrays = ArrayProblem(config: config, path: first)
    if isFolder(first) {
      try expect(paths, 1)
      if MNIST.isFolder(first) {
        let m = try MNIST(folder: first)
        return try arrays.problem(
          name: "pixels", m.trainImages, m.trainLabels, held: (m.testImages, m.testLabels),
          isImage: true)
      }
      return try ImageProblem(config: config).problem(first, held: held.first)
    }
    let plain = first.hasSuffix(".gz") ? String(first.dropLast(3)) : first
    if plain.hasSuffix(".csv") || plain.hasSuffix(".tsv") {
      try expect(paths, 1)
      var table = TableProblem(try Table(contentsOf: first), config)
      return try table.problem(
        held: held.first.map { (p) throws(EngineError) in
          try Table(contentsOf: p)
        })
    }
    if plain.hasSuffix(".txt") {
      try expect(paths, 1)
      return try TextProblem(config: config).problem(first)
    }
    if plain.hasSuffix(".npz") { return try archive(paths, held, arrays) }
    if plain.hasSuffix(".npy") {
      return try pair(paths, held, arrays) { (p) throws(EngineError) in
        try TensorFile.read(p)[0].value
      }
    }
    if plain.hasSuffix(".idx") || plain.contains("-ubyte") || plain.contains(".idx") {
      return try pair(paths, held, arrays, isImage: true) { (p) throws(EngineError) in
        try IDX.read(p)
      }
    }
    throw EngineError(
      .unsupported, "data of an unknown kind",
      expected: ".csv, .tsv, .npz, two .npy or IDX files, .txt, or a folder of images",
      subject: .init(file: first))
  }

  private func expect(_ paths: [String], _ count: Int) throws(EngineError) {
    guard paths.count == count else {
      throw EngineError(
        .usage, "data of this kind come as \(count == 1 ? "one" : "two")",
        expected: count == 1 ? "one file or folder" : "samples, then labels",
        received: paths.joined(separator: " "))
    }
  }

  private func archive(
    _ paths: [String], _ held: [String], _ arrays: ArrayProblem
  ) throws -> Problem {
    try expect(paths, 1)
    let file = try ArrayFile.read(paths[0], target: config.target)
    guard file.inputs.count == 1 else {
      throw EngineError(
        .unsupported, "the archive has several inputs", expected: "one array beside '\(file.name)'",
        received: file.inputs.map(\.name).joined(separator: ", "), subject: .init(file: paths[0]))
    }
    let x = file.inputs[0]
    var test: (x: Tensor, y: Tensor)?
    if let path = held.first {
      let other = try ArrayFile.read(path, target: file.name)
      guard let same = other.inputs.first(where: { $0.name == x.name }) else {
        throw EngineError(.malformed, "there is no array '\(x.name)'", subject: .init(file: path))
      }
      test = (same.value, other.target)
    }
    return try arrays.problem(
      name: x.name, x.value, file.target, held: test, target: file.name,
      isImage: x.value.shape.rank == 4 || (x.value.shape.rank == 3 && x.value.dtype == .uint8))
  }

  private func pair(
    _ paths: [String], _ held: [String], _ arrays: ArrayProblem, isImage: Bool = false,
    _ read: (String) throws(EngineError) -> Tensor
  ) throws -> Problem {
    try expect(paths, 2)
    let x = try read(paths[0])
    var test: (x: Tensor, y: Tensor)?
    if held.count == 2 { test = (try read(held[0]), try read(held[1])) }
    return try arrays.problem(
      name: "x", x, try read(paths[1]), held: test,
      isImage: x.shape.rank == 4 || (isImage && x.shape.rank == 3))
  }
}
