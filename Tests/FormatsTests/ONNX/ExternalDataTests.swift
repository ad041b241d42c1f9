import Glibc
import Graphs
import Tensors
import Testing

@testable import Formats

/// A folder that exists while `body` runs.
func withFolder<T>(_ body: (String) throws -> T) throws -> T {
  var template = Array("/tmp/dlrun-formats-XXXXXX".utf8CString)
  _ = mkdtemp(&template)
  let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  defer { remove(tree: path) }
  return try body(path)
}

func names(in folder: String) -> [String] {
  guard let stream = opendir(folder) else { return [] }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != "." && name != ".." { names.append(name) }
  }
  return names.sorted()
}

private func remove(tree: String) {
  for name in names(in: tree) {
    if unlink("\(tree)/\(name)") != 0 { remove(tree: "\(tree)/\(name)") }
  }
  rmdir(tree)
}

func save(_ bytes: [UInt8], _ path: String) throws {
  let file = try AtomicFile(path)
  try file.write(bytes)
  try file.commit()
}

@Suite struct ExternalDataTests {
  /// Sixteen bytes; tensors of the tests take eight.
  static let data: [UInt8] = (0..<16).map { UInt8($0) }

  func model(_ entries: [(String, String)], place: Place = .initializer) -> [UInt8] {
    let tensor = tensorMessage { w in
      for (key, value) in entries { w.message(13, .entry(Graph.Metadata(key, value))) }
      w.int(14, 1)
    }
    switch place {
    case .initializer: return modelMessage(graphMessage(initializers: [tensor]))
    case .attribute:
      let a = attributeMessage("value", 4) { $0.message(5, tensor) }
      return modelMessage(graphMessage(nodes: [nodeMessage(attributes: [a])]))
    case .sparse:
      let sparse = wire { s in
        s.message(1, tensor)
        s.message(
          2, tensorMessage("i", dims: [2], type: 7) { t in for i in 0..<2 { t.int(7, Int64(i)) } })
        s.int(3, 4)
      }
      return modelMessage(graphMessage { $0.message(15, sparse) })
    case .subgraph:
      let a = attributeMessage("body", 5) { w in
        w.message(
          6,
          graphMessage(
            nodes: [nodeMessage("N", [], ["n"])], inputs: [], outputs: ["n"], initializers: [tensor]
          ))
      }
      return modelMessage(graphMessage(nodes: [nodeMessage(attributes: [a])]))
    }
  }
  enum Place: CaseIterable { case initializer, attribute, sparse, subgraph }

  func refusal(_ entries: [(String, String)], place: Place = .initializer, in folder: String) throws
    -> String
  {
    try save(model(entries, place: place), folder + "/m.onnx")
    return complaint { _ = try ONNXReader.read(contentsOf: folder + "/m.onnx") }
  }

  @Test func locationsStayBeneathTheFolder() throws {
    try withFolder { outer in
      let folder = outer + "/model"
      mkdir(folder, 0o755)
      mkdir(folder + "/sub", 0o755)
      mkdir(outer + "/secrets", 0o755)
      for path in [
        outer + "/secret", outer + "/secrets/secret", folder + "/own", folder + "/sub/own",
      ] {
        try save(Self.data, path)
      }
      symlink("../secret", folder + "/link")
      symlink("own", folder + "/inside")
      symlink("../secrets", folder + "/parent")
      link(outer + "/secret", folder + "/hard")
      mkfifo(folder + "/pipe", 0o644)
      let illegal = "external data has an illegal location"
      for place in Place.allCases {
        #expect(try refusal([("location", "own")], place: place, in: folder) == "accepted")
        for (location, why) in [
          ("../secret", illegal), ("sub/../../secret", illegal), (outer + "/secret", illegal),
          ("", illegal), ("sub//own", illegal), (".", illegal), ("own/", illegal),
          ("link", "is reached through a link or is no file"),
          ("inside", "is reached through a link or is no file"),
          ("parent/secret", "is reached through a link or is no file"),
          ("own/own", "is reached through a link or is no file"),
          ("hard", "has several hard links"), ("pipe", "is not a regular file"),
          ("sub", "is not a regular file"), ("absent", "cannot open external data"),
        ] {
          let message = try refusal([("location", location)], place: place, in: folder)
          #expect(message.contains(why), "\(location) as \(place): \(message)")
        }
      }
      #expect(try refusal([("location", "./own")], in: folder) == "accepted")
      #expect(try refusal([("location", "sub/own")], in: folder) == "accepted")
    }
  }

  @Test func rangesStayWithinTheFile() throws {
    try withFolder { folder in
      try save(Self.data, folder + "/own")
      func range(_ offset: String?, _ length: String?) throws -> String {
        try refusal(
          [("location", "own")] + (offset.map { [("offset", $0)] } ?? [])
            + (length.map { [("length", $0)] } ?? []), in: folder)
      }
      #expect(try range("8", "8") == "accepted")
      #expect(try range("8", nil) == "accepted")
      #expect(try range("9", nil).contains("is too short"))
      #expect(try range("\(Int.max)", nil).contains("is too short"))
      #expect(try range("-8", nil).contains("illegal offset"))
      #expect(try range("8x", nil).contains("illegal offset"))
      #expect(try range("99999999999999999999", nil).contains("illegal offset"))
      #expect(try range("0", "16").contains("wrong length"))
      #expect(try range("0", "\(1 << 60)").contains("wrong length"))
      #expect(try range("0", "-8").contains("illegal length"))
    }
  }

  @Test func keysAreKnownAndUnique() throws {
    try withFolder { folder in
      try save(Self.data, folder + "/own")
      #expect(try refusal([], in: folder).contains("has no location"))
      #expect(
        try refusal([("location", "own"), ("__class__", "x")], in: folder)
          .contains("unknown key '__class__'"))
      #expect(
        try refusal([("location", "own"), ("location", "own")], in: folder).contains("twice"))
      #expect(
        try refusal(
          [("location", "own"), ("checksum", "56178b86a57fac22899a9964185c2cc96e7da589")],
          in: folder)
          == "accepted")
      #expect(
        try refusal([("location", "own"), ("checksum", "00")], in: folder)
          == "malformed: initializer 'w': external data 'own' is not the file the model was written with"
      )
    }
  }

  @Test func modelsInMemoryHaveNone() {
    #expect(
      complaint(model([("location", "own")]))
        == "unsupported: initializer 'w': the tensor is in external data, which only a model in a "
        + "plain file can have")
  }

  @Test func largeWeightsAreWrittenBesideAndMapped() throws {
    var graph = Graph()
    let big = try Tensor((0..<3000).map { Float($0) })
    let id = graph.addInitializer("big", big)
    _ = graph.addInitializer("small", try Tensor([1, 2] as [Float]))
    _ = graph.addInitializer("other", try Tensor((0..<2000).map { Int64($0) }))
    graph.outputs = [id]
    var m = ModelGraph(graph)
    m.opsets = [("", 21)]
    try withFolder { folder in
      let path = folder + "/model.onnx"
      for _ in 0..<2 {
        try ONNXWriter.write(m, to: path, options: .init(externalThreshold: 1024))
      }
      let files = names(in: folder)
      #expect(files.count == 2 && files[0].hasPrefix("model-") && files[0].hasSuffix(".data"))
      let back = try ONNXReader.read(contentsOf: path)
      for (a, b) in zip(back.graph.initializers, graph.initializers) {
        #expect(a.tensor.rawBytes.elementsEqual(b.tensor.rawBytes))
      }
      #expect(back.graph.initializers.map(\.tensor.storage.isBorrowed) == [true, false, true])
      #expect(try ModelDigest.of(back) == ModelDigest.of(m))
      // The same model within one file.
      try ONNXWriter.write(back, to: folder + "/one.onnx.gz")
      let one = try ONNXReader.read(contentsOf: folder + "/one.onnx.gz")
      #expect(one.graph.initializers[0].tensor.floats.last == 2999)
    }
  }
}
