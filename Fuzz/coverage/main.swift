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
// A file is one input; one whose name ends with .base64 holds one a line.
for file in CommandLine.arguments.dropFirst() {
  let data = try Data(contentsOf: URL(filePath: file))
  let inputs =
    file.hasSuffix(".base64")
    ? data.split(separator: 10).map { Data(base64Encoded: $0) ?? Data() } : [data]
  for input in inputs { Reader.chosen?.read([UInt8](input)) }
  print("\(file): \(inputs.count) inputs read")
}
Reader.clean()
#endif
