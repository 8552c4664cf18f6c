# Three spheres on a floor, shaded by how much of the sky each point sees: vectors, which live as long as an expression.
class Vector
  attr_reader :x, :y, :z

  def initialize(x, y, z)
    @x = x
    @y = y
    @z = z
  end

  def +(other)
    Vector.new(@x + other.x, @y + other.y, @z + other.z)
  end

  def -(other)
    Vector.new(@x - other.x, @y - other.y, @z - other.z)
  end

  def *(factor)
    Vector.new(@x * factor, @y * factor, @z * factor)
  end

  def dot(other)
    @x * other.x + @y * other.y + @z * other.z
  end

  def cross(other)
    Vector.new(@y * other.z - @z * other.y, @z * other.x - @x * other.z, @x * other.y - @y * other.x)
  end

  def unit
    self * (1.0 / Math.sqrt(dot(self)))
  end
end

Hit = Struct.new(:distance, :point, :normal)

class Sphere
  def initialize(center, radius)
    @center = center
    @radius = radius
  end

  def hit(from, along)
    to = from - @center
    b = to.dot(along)
    d = b * b - to.dot(to) + @radius * @radius
    return nil if d <= 0.0
    distance = -b - Math.sqrt(d)
    return nil if distance <= 1.0e-4
    point = from + along * distance
    Hit.new(distance, point, (point - @center).unit)
  end
end

class Floor
  UP = Vector.new(0.0, 1.0, 0.0)

  def hit(from, along)
    return nil if along.y > -1.0e-9
    distance = -(from.y + 0.5) / along.y
    distance > 1.0e-4 ? Hit.new(distance, from + along * distance, UP) : nil
  end
end

class Scene
  RAYS = 4

  def initialize
    @things = [Sphere.new(Vector.new(-2.0, 0.0, -3.5), 0.5), Sphere.new(Vector.new(-0.5, 0.0, -3.0), 0.5),
               Sphere.new(Vector.new(1.0, 0.0, -2.2), 0.5), Floor.new]
    @seed = 12345
  end

  def random
    @seed = @seed * 16807 % 2147483647
    @seed / 2147483647.0
  end

  def first_hit(from, along)
    @things.map { |thing| thing.hit(from, along) }.compact.min { |a, b| a.distance <=> b.distance }
  end

  # Of RAYS * RAYS directions above the surface, the share that meets nothing.
  def light(hit)
    side = hit.normal.cross(hit.normal.x.abs < 0.6 ? Vector.new(1.0, 0.0, 0.0) : Vector.new(0.0, 1.0, 0.0)).unit
    other = hit.normal.cross(side)
    free = 0
    (RAYS * RAYS).times do
      height = Math.sqrt(random)
      angle = 2.0 * Math::PI * random
      flat = Math.sqrt(1.0 - height * height)
      along = side * (Math.cos(angle) * flat) + other * (Math.sin(angle) * flat) + hit.normal * height
      free += 1 if first_hit(hit.point + hit.normal * 1.0e-3, along).nil?
    end
    free.to_f / (RAYS * RAYS)
  end

  def render(width, height)
    eye = Vector.new(0.0, 0.0, 0.0)
    sum = 0.0
    height.times do |row|
      width.times do |column|
        along = Vector.new((column - width / 2.0) / (width / 2.0), (height / 2.0 - row) / (height / 2.0), -1.0).unit
        hit = first_hit(eye, along)
        sum += light(hit) if hit
      end
    end
    sum
  end
end

Scene.new.render(56, 56).to_s
