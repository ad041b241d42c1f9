import DataSets
import Formats
import Layers
import Tensors

/// Makes a problem of a folder of images in folders of classes.
struct ImageProblem {
  let config: TrainConfig

  func problem(_ path: String, held: String? = nil) throws -> Problem {
    let folder = try ImageFolder(path, size: config.imageSize)
    guard folder.classes.count > 1, folder.count >= TableProblem.leastRows else {
      throw EngineError(
        .malformed, "the folder has too little to tell apart",
        expected: "two class folders and \(TableProblem.leastRows) images or more",
        received: "\(folder.classes.count) and \(folder.count)", subject: .init(file: path))
    }
    var (learn, test): ([Int], [Int]) = (Array(0..<folder.count), [])
    if held == nil {
      (learn, test) = try DataOrder.split(
        folder.count, config.testShare, seed: config.seed, classes: folder.labels)
    }
    let (first, second) = try DataOrder.split(
      learn.count, config.validationShare, seed: config.seed &+ 1,
      classes: learn.map { folder.labels[$0] })
    let (train, validation) = (first.map { learn[$0] }, second.map { learn[$0] })
    let pixels = try folder.batch(Array(train.prefix(256))).inputs[0].doubles ?? []
    let (mean, deviation) = moments(pixels)
    let encoding = PixelEncoding(
      name: "image", dtype: .float32, sizes: [folder.height, folder.width, folder.isGray ? 1 : 3],
      mean: Float(mean), scale: Float(1 / deviation), layout: .movesChannels)
    let encoder = try Encoder(encoding)
    // Decoding costs more than memory while the pictures are few.
    let bytes = folder.count * folder.height * folder.width * (folder.isGray ? 4 : 12)
    let source: any DataSet = bytes < 1 << 30 ? folder.cached() : folder
    var testData: any DataSet = source.subset(test)
    if let held {
      let other = try ImageFolder(
        held, size: (folder.height, folder.width), gray: folder.isGray)
      guard other.classes == folder.classes else {
        throw EngineError(
          .malformed, "the classes are not those of training",
          expected: folder.classes.joined(separator: ", "),
          received: other.classes.joined(separator: ", "), subject: .init(file: held))
      }
      testData = other
    }
    return Problem(
      goal: .classes(folder.classes), encoding: encoding,
      train: encoder.encoded(source.subset(train)),
      validation: encoder.encoded(source.subset(validation)), test: testData,
      notes: [
        "images of \(folder.height) x \(folder.width), "
          + (folder.isGray ? "gray" : "in colour")
      ])
  }
}
