// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Campaigns
import Foundation
import Profiles

/// `s2tune campaign slurm`.
struct CampaignSlurm: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "slurm",
    abstract: "Makes the runs of a campaign by job arrays of Slurm.",
    discussion: """
      Writes chunks of runs to a directory that all nodes see, submits them as job arrays, gathers what comes \
      back and submits what is missing again. The same command goes on with a campaign whose driver was \
      killed. Example:
        s2tune campaign slurm --name big --runs 100000 --folder /shared/big \\
          --partition compute --time 10
      """
  )
  @OptionGroup var plan: PlanOptions
  @Option(
    help: ArgumentHelp("The directory that all nodes see.", valueName: "dir"),
    completion: .directory
  )
  var folder: String
  @Option(help: "The partition.")
  var partition: String?
  @Option(help: "The account.")
  var account: String?
  @Option(help: "The longest time of an array element, as sbatch takes it.")
  var time: String?
  @Option(help: "The memory of an array element, as sbatch takes it.")
  var mem = "1G"
  @Option(help: "Processors of an array element, 1 to 256.")
  var cpus = 1
  @Option(
    help: ArgumentHelp(
      "A further word for sbatch, such as --sbatch=--qos=low; may be repeated.",
      valueName: "word"
    )
  )
  var sbatch: [String] = []
  @Option(
    name: .customLong("chunk-seconds"),
    help: "Seconds of work in a chunk, 1 to 86400; a scheduler likes half a minute or more."
  )
  var chunkSeconds = 30.0
  @Option(name: .customLong("chunk-runs"), help: "Runs of a chunk instead, 1 to 1000000.")
  var chunkRuns: Int?
  @Option(
    name: .customLong("array-size"),
    help: "Elements of an array at most: MaxArraySize - 1 of the cluster."
  )
  var arraySize = 1_000
  @Option(help: "Seconds between two looks at the queue, 0.1 to 3600.")
  var poll = 5.0
  @OptionGroup var making: MakingOptions

  func run() throws {
    let profiles = try making.common.store()
    let plan = try plan.plan(profiles)
    let settings = try settings(plan.extent)
    let campaign = try OpenCampaign(plan, profiles, in: making.store.database(.create))
    let progress = ProgressLine()
    try campaign.database.run(
      campaign.design,
      points: campaign.points,
      extent: campaign.extent,
      by: SlurmExecutor(
        folder: ClusterFolder(folder),
        settings: settings,
        program: try program(),
        says: {
          progress.clear()
          note($0)
        }
      ),
      limit: try making.work.time(),
      progress: { [campaign] in
        guard let tally = try? campaign.database.tally(of: campaign.design) else { return }
        progress.show(tally.total - tally[.waiting], of: tally.total, "runs")
      }
    )
    progress.clear()
    try making.report(campaign.database, campaign.design.name)
  }

  private func settings(_ extent: CampaignExtent) throws -> SlurmExecutor.Settings {
    func check(_ name: String, _ isLegal: Bool, _ value: String, _ legal: String) throws {
      guard isLegal else { throw Failure.usage("--\(name) \(value) is not legal; write \(legal)") }
    }
    try check("cpus", (1...256).contains(cpus), "\(cpus)", "1 to 256")
    try check("chunk-seconds", (1...86_400).contains(chunkSeconds), "\(chunkSeconds)", "1 to 86400")
    try check("array-size", (1...1_000_000).contains(arraySize), "\(arraySize)", "1 to 1000000")
    try check("poll", (0.1...3_600).contains(poll), "\(poll)", "0.1 to 3600")
    if let chunkRuns {
      try check("chunk-runs", (1...1_000_000).contains(chunkRuns), "\(chunkRuns)", "1 to 1000000")
    }
    var settings = SlurmExecutor.Settings(eventLimit: try making.work.events(extent))
    (settings.partition, settings.account, settings.time) = (partition, account, time)
    (settings.memory, settings.workers, settings.words) = (mem, cpus, sbatch)
    (settings.chunkTime, settings.chunkRuns) = (chunkSeconds, chunkRuns)
    (settings.arraySize, settings.poll) = (arraySize, poll)
    return settings
  }

  /// This program with the models that it sees, as a node runs it.
  private func program() throws -> [String] {
    let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path
    let models = making.common.models.models ?? ProcessInfo.processInfo.environment["S2TUNE_MODELS"]
    guard let models else { return [own] }
    return ["env", "S2TUNE_MODELS=\(URL(filePath: models).standardizedFileURL.path)", own]
  }
}

/// `s2tune campaign chunks`.
struct CampaignChunks: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chunks",
    abstract:
      "Writes what is left of a campaign as chunks, for any scheduler that gives its jobs an index.",
    discussion: """
      Every job then runs 's2tune campaign chunk DIR --index N', and 's2tune campaign gather NAME DIR' \
      takes what came back. Run it again to write chunks of what is still missing. Example:
        s2tune campaign chunks --name big --runs 100000 --chunk-runs 500 \\
          --folder /shared/big
      """
  )
  @OptionGroup var plan: PlanOptions
  @Option(
    help: ArgumentHelp("The directory that all nodes see.", valueName: "dir"),
    completion: .directory
  )
  var folder: String
  @Option(name: .customLong("chunk-runs"), help: "Runs of a chunk, 1 to 1000000.")
  var chunkRuns = 100
  @OptionGroup var making: MakingOptions

  func run() throws {
    guard (1...1_000_000).contains(chunkRuns) else {
      throw Failure.usage("--chunk-runs \(chunkRuns) is not legal; write 1 to 1000000")
    }
    let profiles = try making.common.store()
    let campaign = try OpenCampaign(
      try plan.plan(profiles),
      profiles,
      in: making.store.database(.create)
    )
    let waiting = try campaign.database.waiting(campaign.design)
    let added = try ClusterFolder(folder).add(
      waiting,
      of: campaign.design,
      runs: chunkRuns,
      eventLimit: try making.work.events(campaign.extent)
    )
    guard let first = added.first, let last = added.last else {
      return note("nothing is left of \(campaign.design.name)")
    }
    note("\(waiting.count) runs in chunks \(first) to \(last) of \(folder)")
    try making.report(campaign.database, campaign.design.name)
  }
}

/// `s2tune campaign chunk`.
struct CampaignChunk: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chunk",
    abstract: "Makes the runs of one chunk on a node and writes what came of them.",
    discussion: """
      The index is --index, or the one that the scheduler sets: SLURM_ARRAY_TASK_ID, PBS_ARRAY_INDEX, \
      AWS_BATCH_JOB_ARRAY_INDEX, JOB_COMPLETION_INDEX (Kubernetes) or SGE_TASK_ID (which counts from one). \
      A chunk whose result is there is not made again.
      """
  )
  @Argument(help: "The directory of the chunks.", completion: .directory)
  var folder: String
  @Option(help: "The chunk, or with --job the element of the job array.")
  var index: Int?
  @Option(help: "The job array of 'campaign slurm' whose element this is.")
  var job: Int?
  @Option(help: "Threads that simulate, one unless given; the answer is the same.")
  var workers = 1
  @OptionGroup var models: ModelOptions

  func run() throws {
    let cluster = ClusterFolder(folder)
    let element = try element()
    let number = try job.map { try cluster.chunk(ofElement: element, job: $0) } ?? element
    let chunk = try cluster.chunk(number)
    if try cluster.outcomes(of: number) != nil { return note("chunk \(number) is done") }
    let planned = try PlannedProfiles(of: chunk.plan, from: models.store())
    guard chunk.plan.digest(over: planned) == chunk.digest else {
      throw Failure.data(
        "\(folder), chunk \(number): the profiles here are not those that the chunk was written with"
      )
    }
    let outcomes = try chunk.outcomes(
      of: chunk.plan.points(over: planned),
      workers: try legalWorkers(workers),
      file: "\(folder), chunk \(number)"
    )
    try cluster.keep(outcomes, of: number)
    note("chunk \(number): \(outcomes.count) runs")
  }

  private func element() throws -> Int {
    if let index { return index }
    let environment = ProcessInfo.processInfo.environment
    let names = [
      "SLURM_ARRAY_TASK_ID", "PBS_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX", "JOB_COMPLETION_INDEX",
    ]
    for name in names { if let number = environment[name].flatMap({ Int($0) }) { return number } }
    if let number = environment["SGE_TASK_ID"].flatMap({ Int($0) }) { return number - 1 }
    throw Failure.usage(
      "name the chunk by --index, or run it in a job array; none of \(names.joined(separator: ", ")) is set"
    )
  }
}

/// `s2tune campaign gather`.
struct CampaignGather: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gather",
    abstract: "Takes what chunks brought back into the store."
  )
  @Argument(help: "The campaign.")
  var name: String
  @Argument(help: "The directory of the chunks.", completion: .directory)
  var folder: String
  @OptionGroup var making: MakingOptions

  func run() throws {
    let database = try making.store.database()
    let design = try database.design(named: name)
    let cluster = ClusterFolder(folder)
    for number in cluster.results {
      let chunk = try cluster.chunk(number)
      guard chunk.digest == design.digest, chunk.simulator == design.simulator else { continue }
      if let outcomes = try cluster.outcomes(of: number) { try database.keep(outcomes, of: design) }
    }
    try making.report(database, name)
  }
}
