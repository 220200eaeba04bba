// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser

/// `s2tune campaign`: runs of designs, kept in a store that survives the process.
struct CampaignCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "campaign",
    abstract: "Makes the runs of designs, keeps them in a store, and compares them.",
    discussion: """
      A run is in the store before it counts as done: a campaign that was killed goes on where it \
      stopped, and several processes may work on one store. A campaign is a draw over the policy \
      space, or with --policy a grid. Examples:
        s2tune campaign run --name churn --workloads container-churn \\
          --runs 400
        s2tune campaign run --name chunks --hosts graviton3 --whole \\
          --workloads ci-microvm --policy baseline --policy chunk=2MiB
        s2tune campaign compare chunks --by policy
      """,
    subcommands: [
      CampaignRun.self, CampaignStatusCommand.self, CampaignResume.self, CampaignReplicates.self,
      CampaignShow.self, CampaignCompare.self, CampaignExport.self, CampaignImport.self,
      CampaignMerge.self, CampaignClean.self, CampaignSlurm.self, CampaignChunks.self,
      CampaignChunk.self, CampaignGather.self, CampaignWorkCommand.self,
    ]
  )
}
