import ArgumentParser
import Formats
import Recipes
import Tensors

/// `dlrun train`: trains a model from data files.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains a model from data.",
    discussion: """
      DATA is a table (.csv, .tsv), an archive (.npz), samples and labels (two .npy or IDX files), \
      a text (.txt), a folder of images in one folder a class, or a folder in MNIST's layout. From \
      a table alone the task is found, features are encoded within the model, and held-out rows \
      tell how good it is. Ctrl-C ends a run with its model saved; --resume goes on with it.

      Example: dlrun train Models/iris.csv -o iris.onnx
      """)

  @Argument(help: "Files or a folder to learn from.", completion: .file()) var data: [String]
  @Option(name: .shortAndLong, help: "The model to write (.onnx, .pb, or either with .gz).")
  var output: String
  @Option(
    help: "The column or array to tell; default: target, label, class, species, y, or the last.")
  var target: String?
  @Option(help: "A column to leave out; may be given several times.") var ignore: [String] = []
  @Option(help: "Settings as YAML or JSON: layers, optimizer, schedule, data.", completion: .file())
  var config: String?
  @Option(help: "The most epochs.") var epochs: Int?
  @Option(help: "Data like DATA to test on, instead of a share of it.", completion: .file())
  var test: [String] = []
  @Option(name: .customLong("from"), help: "Train this model further.", completion: .file())
  var base: String?
  @Flag(help: "Go on with a run that was broken off.") var resume = false
  @Option(help: "Where random numbers begin.") var seed: UInt64?
  @Option(help: "Threads to use; default: one for each processor.") var threads: Int?
  @Option(help: "Write learning curves as a page (.html) or a drawing (.svg) when training ends.")
  var curves: String?
  @Option(help: "A folder to write figures for TensorBoard in.") var tensorboard: String?
  @Flag(help: "Train on one batch to see whether all runs; no model is written.")
  var fastRun = false
  @Option(help: "Train on the first N batches over and over, to see whether it can learn at all.")
  var overfit: Int?
  @Flag(help: "Print the report as JSON.") var json = false
  @Flag(name: .shortAndLong, help: "Show no progress.") var quiet = false

  func validate() throws {
    if data.isEmpty { throw ValidationError("give data to learn from") }
    if let epochs, !(1...1_000_000).contains(epochs) {
      throw ValidationError("--epochs must be 1 to 1000000, received \(epochs)")
    }
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads must be 1 to 1024, received \(threads)")
    }
    if let overfit, !(1...1_000_000).contains(overfit) {
      throw ValidationError("--overfit must be 1 to 1000000, received \(overfit)")
    }
    if fastRun, overfit != nil || resume {
      throw ValidationError("--fast-run does not go with --overfit or --resume")
    }
    let plain = output.hasSuffix(".gz") ? String(output.dropLast(3)) : output
    guard plain.hasSuffix(".onnx") || plain.hasSuffix(".pb") else {
      throw ValidationError("-o must end in .onnx or .pb, received '\(output)'")
    }
  }

  func run() throws {
    var settings =
      try config.map { (path) throws(EngineError) in
        try TrainConfig(contentsOf: path)
      } ?? TrainConfig()
    if let target { settings.target = target }
    settings.ignore += ignore
    if let epochs { settings.epochs = epochs }
    if let seed { settings.seed = seed }
    if let threads { settings.threads = threads }
    if let curves { settings.curves = curves }
    if let tensorboard { settings.tensorBoard = tensorboard }
    var recipe = Recipe(data: data, output: output, config: settings)
    recipe.test = test
    recipe.base = base
    recipe.resumes = resume
    recipe.mode = fastRun ? .fastRun : overfit.map { .overfit(batches: $0) } ?? .full
    recipe.showsProgress = !quiet
    if !quiet { recipe.log = { writeError($0 + "\n") } }
    Interruption.catchSignals()
    let result = try recipe.run()
    if fastRun {
      let loss = result.history["loss"].first.map { ", loss \($0)" } ?? ""
      writeOutput("everything runs: one batch of each\(loss); no model was written\n")
      return
    }
    writeOutput(json ? TrainText.json(result, output) : TrainText.report(result, output))
    if result.checkpoint != nil {
      writeError(
        "stopped; '\(output)' has the best weights so far. To go on: "
          + "\(TrainText.command(CommandLine.arguments))\n")
    }
  }
}
