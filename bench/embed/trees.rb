# Binary trees: nodes made bottom up and walked, short-lived trees beside one that stays.
class Node
  attr_reader :left, :right

  def initialize(left, right)
    @left = left
    @right = right
  end

  def count
    @left ? 1 + @left.count + @right.count : 1
  end
end

def make(depth)
  depth == 0 ? Node.new(nil, nil) : Node.new(make(depth - 1), make(depth - 1))
end

deepest = 14
total = 0
stays = make(deepest)
4.step(deepest, 2) do |depth|
  (1 << (deepest - depth + 2)).times { total += make(depth).count }
end
"#{total} #{stays.count}"
