// Strings, arrays and objects: a window of records stays alive, and goes through sorting, searching and JSON.
(function () {
  var seed = 12345;
  function random(bound) {
    seed = (seed * 16807) % 2147483647;
    return seed % bound;
  }

  var alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789', kept = [], bytes = 0, size = 4000;
  while (alphabet.length < 300) alphabet += alphabet;
  for (var i = 0; i < 40000; i++) {
    var from = random(100), word = alphabet.substring(from, from + 5 + random(60));
    kept[random(size)] = { key: 'key' + i, word: word, parts: [i, i + 1], next: i % 3 ? null : { of: word } };
    if (i % 4 === 0) bytes += word.replace(/[aeiou]+/g, '_').split('_').join('-').length;
    if (i % 8000 === 0) {
      var list = kept.filter(function (item) { return item; });
      list.sort(function (a, b) { return a.word < b.word ? -1 : a.word > b.word ? 1 : 0; });
      bytes += JSON.stringify(JSON.parse(JSON.stringify(list))).length;
    }
  }
  return String(bytes);
})()
