/** A word as a shell takes it. */
export function shellWord(text: string): string {
  return /^[\w.,=:/@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * A command line without some of its words, as text to follow another command: for "to train the best one, run …".
 *
 * @param args The words.
 * @param without The options that take a value and go with it, and words that go alone.
 */
export function withoutOptions(
  args: readonly string[],
  { options, words }: { readonly options: readonly string[]; readonly words: readonly string[] },
): string {
  const isOption = (arg = "") => options.includes(arg);
  const isOwn = (arg: string) => isOption(arg) || options.some((name) => arg.startsWith(`${name}=`));
  return args.filter((arg, i) => !words.includes(arg) && !isOwn(arg) && !isOption(args[i - 1]))
    .map((arg) => ` ${shellWord(arg)}`).join("");
}
