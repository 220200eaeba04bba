// SPDX-License-Identifier: GPL-3.0-or-later

// One reader under libFuzzer, or on files that it is given: `Fuzz/coverage/run` says how.

import Foundation

signal(SIGPIPE, SIG_IGN)
guard Reader.chosen != nil else {
  let names = Reader.allCases.map(\.rawValue).joined(separator: " ")
  FileHandle.standardError.write(Data("S2TUNE_READER is one of \(names)\n".utf8))
  exit(64)
}

#if COVERAGE
/// libFuzzer's own loop; it calls back for each input.
@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ words: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ input: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

var count = CommandLine.argc
var words = CommandLine.unsafeArgv
let status = runDriver(&count, &words) { start, count in
  Reader.chosen?.read(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
Reader.clean()
exit(status)
#else
for file in CommandLine.arguments.dropFirst() {
  Reader.chosen?.read([UInt8](try Data(contentsOf: URL(filePath: file))))
}
Reader.clean()
#endif
