import DLRun
import Glibc
import Hummingbird
import Logging
import Metrics

/// An HTTP service around a model with one input of rows of numbers.
///
/// usage: Service MODEL [PORT]
///
/// - `POST /predict` with `{"rows": [[5.1, 3.5, 1.4, 0.2]]}` gives each output by its name.
/// - `GET /health` says that the model is loaded; `GET /metrics` gives Prometheus' text.
///
/// Wrong requests get 4xx and the engine's own message; requests that take over a second get 503.
@main
struct Service {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard (2...3).contains(arguments.count) else {
      print("usage: Service MODEL [PORT]")
      return
    }
    let metrics = PrometheusMetrics()
    MetricsSystem.bootstrap(metrics)
    let logger = Logger(label: "service")
    let predictor = try Predictor(modelPath: arguments[1], logger: logger)

    let router = Router()
    router.get("health") { _, _ in HTTPResponse.Status.ok }
    router.get("metrics") { _, _ in metrics.text }
    router.post("predict") { request, context -> [String: JSONNumbers] in
      let body = try await request.decode(as: PredictRequest.self, context: context)
      do throws(EngineError) {
        return try await predictor.predict(body.rows)
      } catch {
        throw HTTPError(status(of: error), message: "\(error)")
      }
    }
    let app = Application(
      router: router,
      configuration: .init(
        address: .hostname(
          "127.0.0.1", port: arguments.count > 2 ? Int(arguments[2]) ?? 8080 : 8080)
      ),
      onServerRunning: { channel in
        print("listening on port \(channel.localAddress?.port ?? 0)")
        fflush(nil)
      },
      logger: logger)
    try await app.runService()
  }

  /// The client's faults are 4xx, ours 5xx.
  static func status(of error: EngineError) -> HTTPResponse.Status {
    switch error.code {
    case .usage, .shape, .dtype, .value: .badRequest
    case .budget: .contentTooLarge
    case .deadline, .cancelled, .unavailable: .serviceUnavailable
    default: .internalServerError
    }
  }
}

struct PredictRequest: Decodable {
  let rows: [[Float]]
}
