/** Tells sentences that name a problem from those that only say there is one ("Validation failed", "Bad Request"). */

/** Words that any refusal could contain. Every other word counts as informative. */
const PLAIN_WORDS: ReadonlySet<string> = new Set(
  `a an and are as be been by can cannot could did do does for from had has have i in is it its more no not of on one or
  our see some something that the their there these this to was we were while with your you
  action api argument arguments attribute attributes bad bean body call caught check checks client code conflict constraint content
  correct data details entity error errors exception failed fails failure fault field fields following for forbidden
  found given http https illegal incorrect input inputs internal invalid issue issues json large malformed message method
  model object occurred occur oops operation page param parameter parameters params payload please problem problems process
  processable processed processing property properties query record report request requested requests resource response rule
  rules schema server sorry status submitted supplied supported type unexpected unknown unprocessable unprocessed
  unsupported url validate validated validation valid value values violated violation violations went wrong
  accept accepted add added create created delete deleted handle handled perform performed refused register registered
  registration reject rejected save saved saving send sent store stored submit update updated updating write written
  allowed available bad-request badrequest gateway implemented required service timeout unavailable unauthorized warning
  anfrage daten der die das eingabe fehler ist nicht sind ungültig ungültige ungültiger und wurde
  data er et en feil forespørsel forespørselen ikke inndata ugyldig valideringsfeil validering skjedde
  donnée données erreur est la le les non requête valide
  datos el error es no petición solicitud válida válido`.split(/\s+/),
);

const WORD = /\p{L}[\p{L}\p{M}'’-]*/gu;

/** Number of words that say something about this failure. */
export function informativeWords(sentence: string): number {
  const spaced = sentence.replace(/[_.]+/g, ' ').replace(/(\p{Ll})(?=\p{Lu}\p{Ll})/gu, '$1 ');
  const words = spaced.toLowerCase().match(WORD) ?? [];
  return words.filter((word) => word.length > 1 && !PLAIN_WORDS.has(word)).length;
}

/** True when it names what is wrong, so that two failures with the same words have the same cause. */
export function isInformative(sentence: string): boolean {
  return informativeWords(sentence) > 0;
}
