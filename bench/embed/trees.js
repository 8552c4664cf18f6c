// Binary trees: nodes made bottom up and walked, short-lived trees beside one that stays.
(function () {
  function make(depth) {
    return depth === 0 ? { left: null, right: null } : { left: make(depth - 1), right: make(depth - 1) };
  }

  function count(node) {
    return node.left === null ? 1 : 1 + count(node.left) + count(node.right);
  }

  var deepest = 14, total = 0, stays = make(deepest);
  for (var depth = 4; depth <= deepest; depth += 2) {
    var trees = 1 << (deepest - depth + 2);
    for (var i = 0; i < trees; i++) total += count(make(depth));
  }
  return total + ' ' + count(stays);
})()
