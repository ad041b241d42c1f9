import ArgumentParser
import Glibc
import Tensors

/// The command: its subcommands, and how errors become one line and an exit status.
@main
struct DLRunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dlrun",
    abstract: "Runs, checks and measures neural networks on CPUs.",
    discussion: """
      Example: dlrun infer Models/iris.pb Models/iris.csv
      """,
    version: "0.1.0",
    subcommands: [
      Infer.self, Inspect.self, Check.self, Verify.self, Compare.self, Optimize.self, Quantize.self,
      Bench.self, Compile.self, Convert.self, Train.self, Ops.self,
    ])

  static func main() {
    // A reader that goes away (`| head`) ends the write with an error, not the process.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as EngineError {
      writeError("dlrun: \(error)\n")
      Glibc.exit(error.code.exitStatus)
    } catch {
      exit(withError: error)
    }
  }
}
