import Glibc
import Kernels
import Synchronization
import Testing

@Suite struct ThreadPoolTests {
  @Test func everyPieceRunsOnce() {
    for threads in 1...4 {
      let pool = ThreadPool(threads: threads)
      #expect(pool.threads == threads)
      for pieces in [0, 1, 2, 3, 7, 100] {
        var counts = [Int](repeating: 0, count: pieces)
        counts.withUnsafeMutableBufferPointer { c in
          nonisolated(unsafe) let c = c
          for _ in 0..<50 { pool.run(pieces) { c[$0] += 1 } }
        }
        #expect(counts.allSatisfy { $0 == 50 })
      }
    }
  }

  @Test func slotsHaveTheirPiecesOneByOne() {
    for threads in 1...4 {
      let pool = ThreadPool(threads: threads)
      for slots in 1...5 {
        let busy = (0..<slots).map { _ in Flag() }
        let total = Atomic<Int>(0)
        for _ in 0..<50 {
          pool.run(40, slots: slots) { piece, slot in
            guard (0..<slots).contains(slot) else { return }
            if busy[slot].isUp.exchange(true, ordering: .acquiring) { return }
            total.add(piece, ordering: .relaxed)
            busy[slot].isUp.store(false, ordering: .releasing)
          }
        }
        #expect(total.load(ordering: .relaxed) == 50 * 780, "\(threads) threads, \(slots) slots")
      }
    }
  }

  private final class Flag: Sendable {
    let isUp = Atomic<Bool>(false)
  }

  @Test func nestedRunsStayOnTheirThread() {
    let pool = ThreadPool(threads: 3)
    let total = Atomic<Int>(0)
    for _ in 0..<100 {
      pool.run(5) { _ in
        let me = pthread_self()
        pool.run(4) { _ in
          #expect(pthread_equal(me, pthread_self()) != 0)
          total.add(1, ordering: .relaxed)
        }
      }
    }
    #expect(total.load(ordering: .relaxed) == 2000)
  }

  @Test func manyCallersShareOnePool() async {
    let pool = ThreadPool(threads: 2)
    let sums = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<8 {
        group.addTask {
          let sum = Atomic<Int>(0)
          for _ in 0..<500 { pool.run(6) { sum.add($0, ordering: .relaxed) } }
          return sum.load(ordering: .relaxed)
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(sums == [Int](repeating: 15 * 500, count: 8))
  }

  @Test func workersWakeAfterTheySlept() {
    let pool = ThreadPool(threads: 2)
    let total = Atomic<Int>(0)
    for _ in 0..<20 {
      usleep(2000)
      pool.run(8) { _ in total.add(1, ordering: .relaxed) }
    }
    #expect(total.load(ordering: .relaxed) == 160)
  }

  @Test func poolsComeAndGo() {
    for i in 0..<50 {
      let pool = ThreadPool(threads: 3)
      if i % 2 == 0 { pool.run(3) { _ in } }
    }
  }

  @Test func defaultCountIsPositive() {
    #expect(ThreadPool.defaultThreadCount >= 1)
    #expect(ThreadPool.defaultThreadCount <= sysconf(Int32(_SC_NPROCESSORS_CONF)))
  }
}
