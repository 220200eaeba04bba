// SPDX-License-Identifier: GPL-3.0-or-later

import Campaigns
import Foundation
import Reports

/// Lets another process make the runs of a campaign, so that one whose run brings it down is noted, and the campaign
/// goes on.
struct CampaignSupervisor {
  let campaign: OpenCampaign
  /// The words of the worker's command line.
  let words: [String]

  /// Deaths in a row without a run in between, after which nothing more is tried.
  private static let patience = 5

  /// Makes what is left; the worker's own exit code where it refused.
  func run() throws {
    let progress = ProgressLine()
    defer { progress.clear() }
    var (deaths, last) = (0, -1)
    while true {
      let process = Process()
      process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
      process.arguments = ["campaign", "work"] + words
      // A crash is noted by its run, and 'campaign show' repeats that one with its backtrace.
      process.environment = ["SWIFT_BACKTRACE": "enable=no"].merging(
        ProcessInfo.processInfo.environment
      ) { $1 }
      let leash = try start(process)
      defer { close(leash) }
      while process.isRunning {
        try show(progress)
        Thread.sleep(forTimeInterval: 0.1)
      }
      process.waitUntilExit()
      guard process.terminationReason == .uncaughtSignal else {
        progress.clear()
        if process.terminationStatus != 0 { throw WorkerRefusal(code: process.terminationStatus) }
        return
      }
      let signal = process.terminationStatus
      let suspects = try campaign.database.blame(
        process: process.processIdentifier,
        reason: "the process that made it alone ended twice, the second time by signal \(signal)"
      )
      progress.clear()
      note(
        "the worker ended by signal \(signal); \(suspects) runs that it was making are made again, one by one"
      )
      let tally = try campaign.database.tally(of: campaign.design)
      let settled = tally.total - tally[.waiting]
      deaths = settled > last ? 1 : deaths + 1
      last = settled
      if tally[.waiting] == 0 { return }
      guard deaths < Self.patience else {
        throw Failure(
          status: .bug,
          description: "the worker ended \(deaths) times by a signal and made nothing"
        )
      }
    }
  }

  /// Starts a worker whose standard input ends when this process does; gives the end that keeps it open.
  private func start(_ process: Process) throws -> Int32 {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else {
      throw Failure(
        status: .bug,
        description: "the worker cannot be started: \(String(cString: strerror(errno)))"
      )
    }
    // No worker holds the other's end, or its own.
    _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
    process.standardInput = FileHandle(fileDescriptor: ends[0], closeOnDealloc: false)
    defer { close(ends[0]) }
    do {
      try process.run()
    } catch {
      close(ends[1])
      throw Failure(
        status: .bug,
        description: "the worker cannot be started: \(error.localizedDescription)"
      )
    }
    return ends[1]
  }

  private func show(_ progress: ProgressLine) throws {
    guard let one = try campaign.database.status(of: campaign.design.name).campaigns.first else {
      return
    }
    let rate = one.rate.map { ", \(significantText($0))/s" } ?? ""
    let left = one.timeLeft.map { ", about \($0) left" } ?? ""
    progress.show(one.runs - one.waiting, of: one.runs, "runs" + rate + left)
  }

  private func significantText(_ value: Double) -> String {
    value >= 10 ? "\(Int(value.rounded()))" : String(format: "%.1f", value)
  }
}

/// The worker has said why it made nothing.
struct WorkerRefusal: Error {
  let code: Int32
}
