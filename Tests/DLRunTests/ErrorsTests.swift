import DLRun
import Testing

/// The code of the manual's page Errors.
@Suite struct ErrorsTests {
  @Test func parts() throws {
    let session = try Iris.session()
    var lines: [String] = []

    do {
      _ = try session.run(["features": Tensor([[1, 2, 3]])])
    } catch {
      lines.append("\(error.code): \(error.message)")
      lines.append("expected \(error.expected ?? "-"), received \(error.received ?? "-")")
    }

    #expect(
      lines == [
        "shape: input 'features' has the wrong shape",
        "expected float32[batch, 4], received [1, 3]",
      ])
  }

  private func serve(_ session: Session, _ inputs: [String: Tensor]) async -> Int {
    do {
      _ = try await session.run(inputs, control: RunControl(timeout: .seconds(1)))
      return 200
    } catch {
      switch error.code {
      case .usage, .shape, .dtype, .value: return 400
      case .deadline, .cancelled, .unavailable: return 503
      default: return 500
      }
    }
  }

  @Test func codes() async throws {
    let session = try Iris.session()
    #expect(await serve(session, ["features": try Tensor([[1, 2, 3, 4]])]) == 200)
    #expect(await serve(session, ["features": try Tensor([[1, 2, 3]])]) == 400)
    #expect(await serve(session, [:]) == 400)
  }
}
