// SPDX-License-Identifier: GPL-3.0-or-later

package import Foundation

/// Makes runs by way of Slurm: chunks of them are the elements of job arrays, and what came of each is a file.
///
/// The driver may be killed and started again: the directory says which chunks there are, which job arrays were
/// submitted, and which results are in. What is missing when an array is over is submitted again as a new one.
package struct SlurmExecutor: RunExecutor {
  /// How jobs are submitted.
  package struct Settings: Hashable, Sendable {
    /// The partition; Slurm's own where none is named.
    package var partition: String?
    /// The account.
    package var account: String?
    /// The longest time of an element, as `sbatch --time` takes it.
    package var time: String?
    /// The memory of an element, as `sbatch --mem` takes it.
    package var memory = "1G"
    /// Processors of an element, and threads that simulate in it.
    package var workers = 1
    /// Further words for sbatch.
    package var words: [String] = []
    /// Seconds of work in a chunk.
    package var chunkTime = 30.0
    /// Runs of a chunk; nil is as many as take `chunkTime`.
    package var chunkRuns: Int?
    /// Elements of an array at most; Slurm's own limit is 1001 unless it is raised.
    package var arraySize = 1000
    /// How often a chunk is submitted before its runs are given up.
    package var attempts = 5
    /// Seconds between two looks at the queue.
    package var poll = 2.0
    /// Events after which a run is refused.
    package var eventLimit: Int64

    /// The usual settings.
    package init(eventLimit: Int64) { self.eventLimit = eventLimit }
  }

  /// The directory that the nodes share.
  package let folder: ClusterFolder
  /// How jobs are submitted.
  package let settings: Settings
  /// The words that run this program on a node, with the models it is to use.
  package let program: [String]
  /// Told what happens, a sentence each.
  package let says: @Sendable (String) -> Void
  private let run: @Sendable ([String]) throws(CampaignError) -> Data

  /// Creates an executor; `run` runs a command and gives what it printed.
  package init(
    folder: ClusterFolder,
    settings: Settings,
    program: [String],
    run: @escaping @Sendable ([String]) throws(CampaignError) -> Data = ShellCommand.output,
    says: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    (self.folder, self.settings, self.program) = (folder, settings, program)
    (self.run, self.says) = (run, says)
  }

  package func execute(_ work: CampaignWork) throws(CampaignError) {
    let folder = ClusterFolder("\(self.folder.path)/\(work.design.name)")
    var gathered: Set<Int> = []
    try gather(work, folder, &gathered)
    let own = try takeAll(work)
    var open = try chunks(of: own, work, folder, gathered)
    var tries: [Int: Int] = [:]
    for (_, job) in try folder.jobs() { for chunk in job.chunks { tries[chunk, default: 0] += 1 } }
    var missing: Set<Int> = []
    while !open.isEmpty {
      try gather(work, folder, &gathered)
      open.subtract(gathered)
      let active = try self.active(folder)
      // A result may come into sight a moment after its job has left the queue.
      let lost = open.subtracting(active)
      let again = lost.intersection(missing).union(lost.filter { tries[$0] == nil })
      missing = lost
      for chunk in again.sorted() where tries[chunk, default: 0] >= settings.attempts {
        try giveUp(chunk, work, folder)
        open.remove(chunk)
      }
      let ready = again.intersection(open).sorted()
      if !ready.isEmpty { try submit(ready, work, folder, &tries) }
      // What was submitted now has not been missed yet.
      missing.subtract(ready)
      if work.isOver {
        says(
          "the time is up; \(open.count) chunks are still with the cluster, and the same command gathers them"
        )
        return
      }
      if !open.isEmpty, ready.isEmpty { Thread.sleep(forTimeInterval: settings.poll) }
    }
  }

  /// Keeps the results that are there and were not seen before.
  private func gather(
    _ work: CampaignWork,
    _ folder: ClusterFolder,
    _ gathered: inout Set<Int>
  ) throws(CampaignError) {
    for chunk in folder.results where !gathered.contains(chunk) {
      guard let outcomes = try folder.outcomes(of: chunk) else { continue }
      try work.keep(outcomes)
      gathered.insert(chunk)
    }
  }

  /// Takes every run that nobody has.
  private func takeAll(_ work: CampaignWork) throws(CampaignError) -> [Int] {
    var places: [Int] = []
    // A node of its own dies over a suspect, and nothing else.
    while let suspect = try work.takeSuspect() { places.append(suspect.index) }
    while true {
      let taken = try work.take(10_000)
      if taken.isEmpty { return places.sorted() }
      places += taken.map(\.index)
    }
  }

  /// The chunks that hold the runs that were taken: those of an earlier driver, and new ones.
  private func chunks(
    of places: [Int],
    _ work: CampaignWork,
    _ folder: ClusterFolder,
    _ gathered: Set<Int>
  ) throws(CampaignError) -> Set<Int> {
    var left = Set(places)
    var open: Set<Int> = []
    for number in folder.chunks where !gathered.contains(number) {
      let chunk = try folder.chunk(number)
      guard chunk.digest == work.design.digest, chunk.simulator == work.design.simulator,
        chunk.plan.replicates <= work.design.plan?.replicates ?? 1
      else { continue }
      if !left.isDisjoint(with: chunk.places) {
        open.insert(number)
        left.subtract(chunk.places)
      }
    }
    guard !left.isEmpty else { return open }
    var rest = left.sorted()
    let runs: Int
    if let wanted = settings.chunkRuns { runs = wanted } else { runs = try measured(&rest, work) }
    let added = try folder.add(rest, of: work.design, runs: runs, eventLimit: settings.eventLimit)
    says("\(rest.count) runs in \(added.count) chunks of \(runs) at \(folder.path)")
    return open.union(added)
  }

  /// How many runs take the time of a chunk; the first few are made here to see it.
  private func measured(_ places: inout [Int], _ work: CampaignWork) throws(CampaignError) -> Int {
    let sample = places.enumerated().filter { $0.offset % max(1, places.count / 4) == 0 }.prefix(4)
    let (extent, limit) = (work.extent, settings.eventLimit)
    let start = ContinuousClock.now
    let outcomes = sample.map { work.points[$0.element].outcome(extent, eventLimit: limit) }
    let seconds = (ContinuousClock.now - start) / .seconds(1) / Double(max(1, outcomes.count))
    try work.keep(outcomes)
    let made = Set(sample.map(\.element))
    places.removeAll { made.contains($0) }
    return Int(
      min(10_000, max(1, settings.chunkTime * Double(settings.workers) / max(seconds, 1e-4)))
    )
  }

  /// The chunks whose elements wait or run.
  private func active(_ folder: ClusterFolder) throws(CampaignError) -> Set<Int> {
    let jobs = try folder.jobs()
    let queue = try SlurmQueue(json: try run(["squeue", "--json"]))
    var active: Set<Int> = []
    for (_, job) in jobs {
      guard let name = job.job, let elements = queue.elements[name] else { continue }
      for element in elements where job.chunks.indices.contains(element) {
        active.insert(job.chunks[element])
      }
    }
    return active
  }

  private func submit(
    _ chunks: [Int],
    _ work: CampaignWork,
    _ folder: ClusterFolder,
    _ tries: inout [Int: Int]
  ) throws(CampaignError) {
    for start in stride(from: 0, to: chunks.count, by: settings.arraySize) {
      let part = Array(chunks[start..<min(start + settings.arraySize, chunks.count)])
      let number = (try folder.jobs().last?.number ?? -1) + 1
      // What the elements mean stands on the disk before there are any.
      try folder.keep(ClusterFolder.Job(job: nil, chunks: part), number)
      let printed = try run(words(part.count, number, work.design.name, folder))
      let job =
        String(decoding: printed, as: UTF8.self)
        .split(separator: "\n").last.map(String.init)?
        .split(separator: ";").first.map(String.init) ?? ""
      guard !job.isEmpty, job.allSatisfy(\.isNumber) else {
        throw .cluster(command: "sbatch", reason: "it printed '\(job)' instead of a job's number")
      }
      try folder.keep(ClusterFolder.Job(job: job, chunks: part), number)
      for chunk in part { tries[chunk, default: 0] += 1 }
      says("job array \(job): \(part.count) chunks")
    }
  }

  /// The command that submits an array of so many elements.
  private func words(
    _ count: Int,
    _ number: Int,
    _ name: String,
    _ folder: ClusterFolder
  ) -> [String] {
    var words = [
      "sbatch", "--parsable", "--no-requeue", "--array=0-\(count - 1)", "--job-name=s2tune-\(name)",
      "--output=\(folder.path)/log/\(number)-%a.txt", "--mem=\(settings.memory)",
      "--cpus-per-task=\(settings.workers)",
    ]
    if let partition = settings.partition { words.append("--partition=\(partition)") }
    if let account = settings.account { words.append("--account=\(account)") }
    if let time = settings.time { words.append("--time=\(time)") }
    let chunk =
      program + [
        "campaign", "chunk", folder.path, "--job", "\(number)", "--workers", "\(settings.workers)",
      ]
    return words + settings.words + [
      "--wrap", "exec " + chunk.map(ShellCommand.quoted).joined(separator: " "),
    ]
  }

  /// Records the runs of a chunk that never came back.
  private func giveUp(
    _ chunk: Int,
    _ work: CampaignWork,
    _ folder: ClusterFolder
  ) throws(CampaignError) {
    let places = try folder.chunk(chunk).places
    let reason =
      "chunk \(chunk) was submitted \(settings.attempts) times and never came back; \(folder.path)/log"
    try work.keep(places.map { .refused(index: $0, reason: reason) })
    says(reason)
  }
}

/// Commands of the system.
package enum ShellCommand {
  /// What a command prints; throws `cluster` where it fails or is not there.
  package static func output(_ words: [String]) throws(CampaignError) -> Data {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = words
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    do {
      try process.run()
    } catch {
      throw .cluster(command: words[0], reason: error.localizedDescription)
    }
    // What a command says of its failure is short; what it prints may be long.
    let data = output.fileHandleForReading.readDataToEndOfFile()
    let said = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let sentence = String(decoding: said, as: UTF8.self).split(separator: "\n").first.map(
        String.init
      )
      throw .cluster(
        command: words[0],
        reason: sentence ?? "it ended with \(process.terminationStatus)"
      )
    }
    return data
  }

  /// A word as a shell takes it.
  package static func quoted(_ word: String) -> String {
    let plain = word.allSatisfy {
      $0.isASCII && ($0.isLetter || $0.isNumber || "-_./=,:+".contains($0))
    }
    return plain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
  }
}
