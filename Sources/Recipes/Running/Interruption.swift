import Glibc
import Synchronization

/// Whether a person asked the run to stop. The first Ctrl-C asks, the second ends the process.
public enum Interruption {
  private static let asked = Atomic<Bool>(false)

  public static var isAsked: Bool { asked.load(ordering: .relaxed) }

  /// Catches SIGINT and SIGTERM from now on.
  public static func catchSignals() {
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        Interruption.asked.store(true, ordering: .relaxed)
        signal(number, SIG_DFL)
      }
    }
  }

  static func reset() { asked.store(false, ordering: .relaxed) }
}
