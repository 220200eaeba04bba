// SPDX-License-Identifier: GPL-3.0-or-later

import Dispatch
import Machine

/// Work of one kind: so much of it at a time, so much waiting, and the rest is told to come again.
///
/// Work runs on threads of its own, since a run of the machine would keep a thread of the
/// connections for seconds.
actor Lane {
  private let name: String
  private let width: Int
  private let depth: Int
  private let retryAfter: Int
  private var running = 0
  private var waiting: [(id: Int, continuation: CheckedContinuation<Void, any Error>)] = []
  private var next = 0

  /// Creates a lane.
  ///
  /// - Parameters:
  ///   - name: What is done in it, in the plural.
  ///   - width: Pieces of work at a time, at least one.
  ///   - depth: Pieces that may wait.
  ///   - retryAfter: Seconds after which to come again.
  init(_ name: String, width: Int, depth: Int, retryAfter: Int) {
    precondition(width > 0, "a lane leads somewhere")
    (self.name, self.width, self.depth, self.retryAfter) = (name, width, depth, retryAfter)
  }

  /// Does a piece of work in its turn; where the task is cancelled the watch stops it.
  nonisolated func run<Result: Sendable>(
    _ watch: RunWatch = RunWatch(),
    _ work: @escaping @Sendable () throws -> Result
  ) async throws -> Result {
    try await enter()
    do {
      let result = try await Self.onThread(watch, work)
      await leave()
      return result
    } catch {
      await leave()
      throw error
    }
  }

  /// Holds a place while something else is awaited.
  nonisolated func hold<Result: Sendable>(
    _ work: () async throws -> Result
  ) async throws -> Result {
    try await enter()
    do {
      let result = try await work()
      await leave()
      return result
    } catch {
      await leave()
      throw error
    }
  }

  /// Does work on a thread of its own; where the task is cancelled the watch stops it.
  static func onThread<Result: Sendable>(
    _ watch: RunWatch,
    _ work: @escaping @Sendable () throws -> Result
  ) async throws -> Result {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global(qos: .userInitiated).async {
          continuation.resume(with: Swift.Result { try work() })
        }
      }
    } onCancel: {
      watch.stop()
    }
  }

  private func enter() async throws {
    try Task.checkCancellation()
    if running < width {
      running += 1
      return
    }
    guard waiting.count < depth else {
      var refused = Refused(
        .tooMany,
        "\(waiting.count) \(name) wait already, as many as may; ask again in \(retryAfter) s"
      )
      refused.retryAfter = retryAfter
      throw refused
    }
    let id = next
    next += 1
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { waiting.append((id, $0)) }
    } onCancel: {
      Task { await self.drop(id) }
    }
  }

  private func leave() {
    guard !waiting.isEmpty else {
      running -= 1
      return
    }
    waiting.removeFirst().continuation.resume()
  }

  private func drop(_ id: Int) {
    guard let place = waiting.firstIndex(where: { $0.id == id }) else { return }
    waiting.remove(at: place).continuation.resume(throwing: CancellationError())
  }
}
