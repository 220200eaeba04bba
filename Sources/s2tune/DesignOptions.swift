// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Dispatch
import Foundation
import Profiles
import Synchronization
import Tuning

/// What a design of runs covers.
struct DesignOptions: ParsableArguments {
  @Option(help: "Host profiles, separated by commas, or all.")
  var hosts = "all"
  @Option(help: "Kernel profiles, separated by commas, or all.")
  var kernels = "all"
  @Option(help: "Workload profiles, separated by commas, or all.")
  var workloads = "all"
  @Option(help: "Threads that simulate, all processors unless given; the answer is the same.")
  var workers: Int?

  /// The specification of these options.
  func specification(named name: String, in store: ProfileStore, runs: Int, seed: UInt64)
    -> ModelSpecification
  {
    ModelSpecification(
      name: name,
      hosts: store.names(hosts, of: .host),
      kernels: store.names(kernels, of: .kernel),
      workloads: store.names(workloads, of: .workload),
      runs: runs,
      seed: seed
    )
  }

  /// How many threads simulate.
  func threads() throws -> Int { try legalWorkers(workers) }
}

/// The threads of an option, all processors unless given; refuses an illegal number.
func legalWorkers(_ workers: Int?) throws -> Int {
  let workers = workers ?? ProcessInfo.processInfo.activeProcessorCount
  guard (1...256).contains(workers) else {
    throw Failure.usage("--workers \(workers) is not legal; write 1 to 256")
  }
  return workers
}

/// Runs asynchronous work to its end on this thread.
func waiting<Value: Sendable>(
  _ body: @escaping @Sendable () async throws -> Value
) throws -> Value {
  let outcome = Mutex<Result<Value, any Error>?>(nil)
  let ended = DispatchSemaphore(value: 0)
  Task.detached {
    let result: Result<Value, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    outcome.withLock { $0 = result }
    ended.signal()
  }
  ended.wait()
  guard let result = outcome.withLock({ $0 }) else {
    preconditionFailure("the work ended without a result")
  }
  return try result.get()
}
