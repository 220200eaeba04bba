// SPDX-License-Identifier: GPL-3.0-or-later

import Campaigns
import Foundation
import Profiles
import Quantities
import Randomness
import Scenarios
import Synchronization
import TestSupport
import Testing

/// A cluster that is none: it takes arrays, makes their chunks when it is looked at, and loses some.
final class PretendedSlurm: Sendable {
  private struct State {
    var jobs: [Int: Set<Int>] = [:]
    var submitted: [[String]] = []
    var next = 100
  }
  private let state = Mutex(State())
  private let folder: ClusterFolder
  private let points: [DesignPoint]
  /// Chunks of which so many first tries bring nothing back.
  private let lost: [Int: Int]
  private let tries = Mutex<[Int: Int]>([:])

  init(_ folder: ClusterFolder, points: [DesignPoint], lost: [Int: Int] = [:]) {
    (self.folder, self.points, self.lost) = (folder, points, lost)
  }

  var submitted: [[String]] { state.withLock { $0.submitted } }

  func run(_ words: [String]) throws(CampaignError) -> Data {
    switch words[0] {
    case "sbatch": submit(words)
    case "squeue": try queue()
    default: throw .cluster(command: words[0], reason: "not found")
    }
  }

  private func submit(_ words: [String]) -> Data {
    state.withLock { state in
      let range = words.first { $0.hasPrefix("--array=0-") } ?? ""
      let last = Int(range.dropFirst(10)) ?? 0
      state.jobs[state.next] = Set(0...last)
      state.submitted.append(words)
      defer { state.next += 1 }
      return Data("\(state.next);local\n".utf8)
    }
  }

  /// Makes one element of each job, and says what is left.
  private func queue() throws(CampaignError) -> Data {
    let jobs = state.withLock { $0.jobs }
    var entries: [String] = []
    for (number, job) in try folder.jobs() {
      guard let id = job.job.flatMap({ Int($0) }), var left = jobs[id] else { continue }
      if let element = left.min() {
        left.remove(element)
        let chunk = job.chunks[element]
        let seen = tries.withLock { tries in
          tries[chunk, default: 0] += 1
          return tries[chunk] ?? 0
        }
        if seen > lost[chunk] ?? 0 { try make(chunk) }
        state.withLock { $0.jobs[id] = left }
        entries.append(
          #"{"job_id": 9\#(number), "array_job_id": \#(id), "array_task_id": \#(element), "array_task_string": "", "job_state": "COMPLETED"}"#
        )
      }
      if !left.isEmpty {
        let text = left.sorted().map { "\($0)" }.joined(separator: ",")
        entries.append(
          #"{"job_id": 8\#(number), "array_job_id": {"set": true, "number": \#(id)}, "array_task_id": {"set": false, "number": 0}, "array_task_string": "\#(text)%2", "job_state": ["PENDING"]}"#
        )
      }
    }
    return Data(#"{"jobs": [\#(entries.joined(separator: ","))], "errors": []}"#.utf8)
  }

  private func make(_ number: Int) throws(CampaignError) {
    let chunk = try folder.chunk(number)
    try folder.keep(chunk.places.map { ToyCampaign.done(points[$0]) }, of: number)
  }
}

@Suite("Clusters")
struct ClusterTests {
  private func campaign(_ store: RunDatabase) throws -> ToyCampaign {
    let plan = Toy.plan("toy", runs: 40)
    let points = try plan.points(over: Toy.profiles)
    return ToyCampaign(
      store: store,
      design: try store.enter(plan, over: Toy.profiles, points: points),
      points: points
    )
  }

  private func executor(_ folder: String, _ slurm: PretendedSlurm) -> SlurmExecutor {
    var settings = SlurmExecutor.Settings(eventLimit: 1_000_000)
    (settings.chunkRuns, settings.poll, settings.arraySize, settings.attempts) = (3, 0.001, 4, 3)
    return SlurmExecutor(
      folder: ClusterFolder(folder),
      settings: settings,
      program: ["s2tune"],
      run: { words throws(CampaignError) in try slurm.run(words) }
    )
  }

  @Test(
    "A cluster that loses chunks ends with the bytes of a local campaign; what never comes back is recorded"
  )
  func lossy() async throws {
    try await Toy.withFile { file in
      let folder = file.deletingLastPathComponent().path
      let local = try campaign(RunDatabase())
      try local.make()
      let cluster = try campaign(RunDatabase(file.path))
      let slurm = PretendedSlurm(
        ClusterFolder(folder + "/shared/toy"),
        points: cluster.points,
        lost: [2: 1, 5: 2]
      )
      try cluster.store.run(
        cluster.design,
        points: cluster.points,
        extent: .window,
        by: executor(folder + "/shared", slurm)
      )
      #expect(try cluster.lines == local.lines)
      // 14 chunks in arrays of four, then what was lost once or twice.
      #expect(slurm.submitted.count >= 6)
      #expect(slurm.submitted.allSatisfy { $0.contains("--no-requeue") })
      let again = try campaign(
        RunDatabase(file.deletingLastPathComponent().appending(path: "b.db").path)
      )
      let dead = PretendedSlurm(
        ClusterFolder(folder + "/dead/toy"),
        points: again.points,
        lost: [1: 99]
      )
      try again.store.run(
        again.design,
        points: again.points,
        extent: .window,
        by: executor(folder + "/dead", dead)
      )
      let failed = try again.store.failures(of: again.design)
      #expect(failed.map(\.index) == [3, 4, 5])
      #expect(failed[0].reason.hasPrefix("chunk 1 was submitted 3 times"))
      #expect(try again.lines.count == 37)
    }
  }

  @Test("A driver that is started again gathers what came meanwhile and submits nothing twice")
  func secondDriver() async throws {
    try await Toy.withFile { file in
      let folder = file.deletingLastPathComponent().path
      let cluster = try campaign(RunDatabase(file.path))
      let shared = ClusterFolder(folder + "/shared/toy")
      let slurm = PretendedSlurm(shared, points: cluster.points)
      // The first driver has the time to submit, and no more.
      try cluster.store.run(
        cluster.design,
        points: cluster.points,
        extent: .window,
        by: executor(folder + "/shared", slurm),
        limit: .milliseconds(40)
      )
      let before = slurm.submitted.count
      #expect(try cluster.store.waiting(cluster.design).count > 0 || before == 4)
      try cluster.store.run(
        cluster.design,
        points: cluster.points,
        extent: .window,
        by: executor(folder + "/shared", slurm)
      )
      let local = try campaign(RunDatabase())
      try local.make()
      #expect(try cluster.lines == local.lines)
      let chunks = try shared.jobs().flatMap(\.job.chunks)
      #expect(Set(chunks).count == chunks.count)
    }
  }

  @Test("A chunk's result is there whole or refused; another chunk's words are refused as well")
  func results() async throws {
    try await Toy.withFile { file in
      let folder = ClusterFolder(file.deletingLastPathComponent().path + "/chunks")
      let cluster = try campaign(RunDatabase(file.path))
      let added = try folder.add(Array(0..<7), of: cluster.design, runs: 5, eventLimit: 1_000)
      #expect(added == [0, 1] && folder.chunks == [0, 1])
      let chunk = try folder.chunk(1)
      #expect(chunk.places == [5, 6] && chunk.digest == cluster.design.digest)
      let outcomes: [RunOutcome] = [
        ToyCampaign.done(cluster.points[5]), .refused(index: 6, reason: "no"),
      ]
      try folder.keep(outcomes, of: 1)
      #expect(try folder.outcomes(of: 1) == outcomes && folder.results == [1])
      #expect(try folder.outcomes(of: 0) == nil)
      let path = folder.path + "/results/000001.jsonl"
      let text = try String(contentsOfFile: path, encoding: .utf8)
      try text.replacing("\"index\":5", with: "\"index\":4").write(
        toFile: path,
        atomically: true,
        encoding: .utf8
      )
      #expect(throws: CampaignError.self) { try folder.outcomes(of: 1) }
      try "{}".write(toFile: folder.path + "/chunks/000001.json", atomically: true, encoding: .utf8)
      #expect(throws: CampaignError.self) { try folder.chunk(1) }
      #expect(throws: CampaignError.self) { try folder.chunk(9) }
    }
  }

  @Test("What squeue prints is read in both of its forms, and anything else is refused")
  func queue() throws {
    let old = """
      {"jobs": [
        {"job_id": 12, "array_job_id": 12, "array_task_id": null, "array_task_string": "3-9:2,20%4", "job_state": "PENDING"},
        {"job_id": 13, "array_job_id": 12, "array_task_id": 1, "array_task_string": "", "job_state": "RUNNING"},
        {"job_id": 14, "array_job_id": 12, "array_task_id": 2, "array_task_string": "", "job_state": "NODE_FAIL"},
        {"job_id": 15, "array_job_id": 0, "array_task_id": null, "array_task_string": "", "job_state": "COMPLETING"}]}
      """
    #expect(
      try SlurmQueue(json: Data(old.utf8)).elements == ["12": [1, 3, 5, 7, 9, 20], "15": [0]]
    )
    for bad in [
      "", "[]", "{}", "{\"jobs\": [{}]}", "{\"jobs\": 3}", old.replacing("3-9:2,20%4", with: "9-3"),
      old.replacing("3-9:2,20%4", with: "0-99999999999999999999"),
      old.replacing("3-9:2,20%4", with: "1-2-3"),
      old.replacing("3-9:2,20%4", with: "1:0"), old.replacing("3-9:2,20%4", with: "-"),
    ] {
      #expect(throws: CampaignError.self, "\(bad.prefix(40))") {
        try SlurmQueue(json: Data(bad.utf8))
      }
    }
  }

  @Test("Words reach a shell as they are")
  func quoting() throws {
    let words = ["plain-1.2/x", "", "a b", "it's", "$HOME `id` \"x\"", "*"]
    let line = "printf '%s\\n' " + words.map(ShellCommand.quoted).joined(separator: " ")
    let output = try ShellCommand.output(["sh", "-c", line])
    #expect(String(decoding: output, as: UTF8.self) == words.joined(separator: "\n") + "\n")
    #expect(throws: CampaignError.cluster(command: "sh", reason: "no")) {
      try ShellCommand.output(["sh", "-c", "echo no >&2; exit 3"])
    }
    #expect(throws: CampaignError.self) { try ShellCommand.output(["no-such-command-here"]) }
  }
}
